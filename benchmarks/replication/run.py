"""``make bench-failover``: what a failover loses and what waiting costs, in docs/benchmarks.md."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.machine import Noise, Usage, environment
from benchmarks.replication.load import WAIT_MS, Kind
from benchmarks.replication.losses import (
    Cost,
    Failovers,
    measure_cost,
    measure_failover,
    measure_losses,
)
from benchmarks.replication.topologies import DOWN_AFTER_MS
from benchmarks.report import milliseconds, quantile, table, write_chapter

__all__ = ["main"]

SETTINGS: Final = (0, 1)
WINDOW: Final = 1.0
COST_DELAYS: Final = (0.0, 0.001, 0.01)


@dataclass(frozen=True)
class Plan:
    """How often, how far and how hard."""

    kills: int = 10
    failovers: int = 5
    delay: float = 0.025
    workers: int = 32
    seconds: float = 3.0


@dataclass
class Measured:
    """By the setting, and the cost by delay and setting."""

    losses: dict[int, Failovers] = field(default_factory=dict)
    failovers: dict[int, Failovers] = field(default_factory=dict)
    costs: dict[tuple[float, int], Cost] = field(default_factory=dict)
    noise: Noise | None = None

    @property
    def is_met(self) -> bool:
        """Whether nothing was lost where it was waited for."""
        return not any(
            found[replicas].lost.total()
            for found in (self.losses, self.failovers)
            for replicas in SETTINGS
            if replicas
        )


async def measure(plan: Plan) -> Measured:
    """Run everything; two to three minutes as planned by default."""
    measured, before = Measured(), {os.getpid(): Usage.of(os.getpid())}
    for replicas in SETTINGS:
        found = measured.losses[replicas] = Failovers(WINDOW)
        for number in range(plan.kills):
            await measure_losses(found, replicas=replicas, delay=plan.delay, workers=plan.workers)
            say(f"setting {replicas}, master {number + 1}: {dict(found.lost)} lost so far")
        found = measured.failovers[replicas] = Failovers(WINDOW)
        for number in range(plan.failovers):
            await measure_failover(found, replicas=replicas, workers=plan.workers)
            say(f"setting {replicas}, failover {number + 1}: {found.silent[-1]:.1f} s")
    for delay in COST_DELAYS:
        for replicas in SETTINGS:
            cost = await measure_cost(
                replicas=replicas, delay=delay, workers=plan.workers, seconds=plan.seconds
            )
            measured.costs[delay, replicas] = cost
            say(f"setting {replicas}, delay {milliseconds(delay)}: {cost.rate:.0f}/s")
    measured.noise = Noise.between(before, {pid: Usage.of(pid) for pid in before})
    return measured


def chapter(plan: Plan, measured: Measured) -> str:
    """What is written down."""
    how = (
        f"{plan.workers} flows at a time, each the same four steps at the stores, without HTTP:"
        " use an assertion, reserve an attempt, approve, redeem, with up to 5 ms between them."
        " Everything is on loopback and in one process but for the servers (no append-only"
        " files), so that only the differences tell. A promise is lost when it was answered by"
        " the old master, and the new one knows"
        f" nothing of it; those of the last {WINDOW:g} s before the end are looked at."
    )
    far = (
        f"**Replicas at a distance.** {plan.kills} masters for each setting, with two replicas"
        f" behind a proxy that delays what passes by {milliseconds(plan.delay)} each way, as a"
        " network between two places does (without it nothing is ever under way on loopback, and"
        " losing nothing would be luck). The master is killed (kill -9), what is under way is"
        " lost, and the replica that has most is promoted, which is the one Sentinel takes."
    )
    near = (
        f"**Sentinel.** {plan.failovers} failovers for each setting of one master, two replicas"
        f" and three sentinels (`down-after-milliseconds` {DOWN_AFTER_MS}), nothing in between."
        " Refused is the time from the death of the master to the first promise that was asked for"
        " after it and answered; with the setting the other replica must have joined the new"
        " master, too."
    )
    price = (
        "**What waiting costs** while nobody dies: promises a second, and the time of each. What"
        " waits goes in fewer, larger batches, so that throughput falls less than latency rises."
    )
    return "\n\n".join(
        [
            f"{environment('Redis 7.0, `wait_for_replicas_ms` ' + str(WAIT_MS))}.",
            how,
            far,
            _losses(measured.losses),
            near,
            _losses(measured.failovers),
            _silence(measured.failovers),
            price,
            _costs(measured.costs),
            f"Noise: {measured.noise}; all servers are part of everything else.",
        ]
    )


def _losses(found: dict[int, Failovers]) -> str:
    head = ["`wait_for_replicas`", *(f"{kind} lost" for kind in Kind)]
    rows = [
        [
            str(replicas),
            *(f"{each.lost[kind]} of {each.answered[kind]}" for kind in Kind),
        ]
        for replicas, each in found.items()
    ]
    return table(head, rows)


def _silence(found: dict[int, Failovers]) -> str:
    head = ["`wait_for_replicas`", "refused, p50", "longest"]
    rows = [
        [str(replicas), f"{quantile(each.silent, 0.5):.1f} s", f"{max(each.silent):.1f} s"]
        for replicas, each in found.items()
    ]
    return table(head, rows)


def _costs(costs: dict[tuple[float, int], Cost]) -> str:
    head = ["one way to the replicas", "`wait_for_replicas`", "promises a second", "p50", "p99"]
    rows: list[Sequence[str]] = [
        [
            milliseconds(delay) if delay else "nothing in between",
            str(replicas),
            f"{cost.rate:.0f}",
            milliseconds(quantile(cost.seconds, 0.5)),
            milliseconds(quantile(cost.seconds, 0.99)),
        ]
        for (delay, replicas), cost in costs.items()
    ]
    return table(head, rows)


def say(text: str) -> None:
    """Print at once: it takes minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """0 when nothing was lost that replicas had acknowledged."""
    parser = argparse.ArgumentParser(prog="make bench-failover", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything; writes nothing")
    quick = parser.parse_args().quick
    plan = Plan(kills=2, failovers=1, seconds=1.0) if quick else Plan()
    measured = asyncio.run(measure(plan))
    text = chapter(plan, measured)
    if not quick:
        write_chapter("failover", text)
    say(text)
    return 0 if measured.is_met else 1


if __name__ == "__main__":
    sys.exit(main())
