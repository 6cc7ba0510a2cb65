"""``make bench-overload``: more than can be done is asked for, and write docs/benchmarks.md.

Polls (assertion and DPoP proof verified) in an open loop over many connections, at half of the
capacity, at it, and at twice and four times as much; then ten clients at addresses of their own,
one of which sends nine tenths of all. The generator runs beside Redis, the service has a core.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from benchmarks.machine import environment
from benchmarks.report import table, write_chapter
from benchmarks.speed.generator import Latency, Load, Run, build_generator
from benchmarks.speed.names import CLIENT_ID
from benchmarks.speed.servers import Provider, own_provider
from benchmarks.speed.stages import Signers

__all__ = ["Overload", "main"]

_PENDING: Final = "authorization_pending"
_ACKNOWLEDGED: Final = "auth_req_id"
_FACTORS: Final = (0.5, 1.0, 2.0, 4.0)
_GOODPUT: Final = 0.8
_QUIET: Final = 9
_QUIET_CONNECTIONS: Final = 8
_OPEN: Final = 200
_HEADROOM: Final = 1.3
_GUESS: Final = 4_000.0


@dataclass(frozen=True)
class Plan:
    """``seconds`` of each run after ``warm_up``; ``connections`` of all senders together."""

    seconds: float = 3.0
    warm_up: float = 0.5
    connections: int = 256
    quiet_share: float = 0.1


@dataclass
class Overload:
    """What was measured: the capacity, a run at each factor, and the loud and quiet clients."""

    plan: Plan
    capacity: float = 0.0
    runs: dict[float, Run] = field(default_factory=dict)
    loud: Run | None = None
    quiet: list[Run] = field(default_factory=list)

    @property
    def offered_by_loud(self) -> float:
        """Nine tenths of twice the capacity."""
        return self.capacity * 2 * (1 - self.plan.quiet_share)

    @property
    def offered_by_quiet(self) -> float:
        """What each of the others sends."""
        return self.capacity * 2 * self.plan.quiet_share / _QUIET

    @property
    def best(self) -> float:
        """The most that was served in a second, at whatever load."""
        return max([self.capacity, *(run.rate for run in self.runs.values())])

    @property
    def kept(self) -> float:
        """How much is still served when four times as much is asked for as can be done.

        By what a served poll and a refused one cost: the time of a processor that both share. How
        much of it others left, which nobody can know beforehand, does not count.
        """
        served, refused = self.costs
        part = refused / served
        return (1 - _FACTORS[-1] * part) / (1 - part)

    @property
    def costs(self) -> tuple[float, float]:
        """Microseconds of processor time for a served poll and for a refused one.

        Those that fit all runs best (least squares).
        """
        runs = [(run.rate, run.bad / self.plan.seconds, run.cpu) for run in self.runs.values()]
        taken = [(good, bad, (good + bad) * each) for good, bad, each in runs]
        aa = sum(good * good for good, _, _ in taken)
        ab = sum(good * bad for good, bad, _ in taken)
        bb = sum(bad * bad for _, bad, _ in taken)
        ac = sum(good * spent for good, _, spent in taken)
        bc = sum(bad * spent for _, bad, spent in taken)
        whole = aa * bb - ab * ab
        return (ac * bb - bc * ab) / whole, (bc * aa - ac * ab) / whole

    def load(self, run: Run) -> float:
        """How many times what the processor time it got was good for was asked for in a run."""
        answered = run.rate + run.bad / self.plan.seconds
        return self.costs[0] / run.cpu if answered else 0.0

    @property
    def is_met(self) -> bool:
        """Whether it still does its work when four times as much is asked for."""
        return self.kept >= _GOODPUT


class Sender:
    """A client of the service with requests that are open, which it polls for."""

    def __init__(self, provider: Provider, plan: Plan, name: str = CLIENT_ID) -> None:
        directory = provider.stages.directory / name
        directory.mkdir()
        stages = replace(provider.stages, directory=directory, client_id=name)
        self._provider = replace(provider, stages=stages)
        self._plan = plan
        self._ids = directory / "open"

    def open_requests(self, number: int) -> None:
        """Let there be something to poll for."""
        file = self._provider.stages.requests(number)
        Load([file], _ACKNOWLEDGED, flows=number, keep_ids=self._ids).run(self._provider)

    def load(
        self,
        rate: float,
        *,
        connections: int | None = None,
        source: str | None = None,
        is_open: bool = True,
    ) -> Load:
        """Polls at a rate, or, in a closed loop, enough for it."""
        plan = self._plan
        number = int(rate * (plan.seconds + plan.warm_up) * _HEADROOM) + 1
        return Load(
            [self._provider.stages.token_requests(number, self._provider.nonce())],
            _PENDING,
            seconds=plan.seconds,
            warm_up=plan.warm_up,
            rate=rate if is_open else None,
            connections=connections,
            source=source,
            ids=self._ids,
        )


def measure(plan: Plan, directory: Path) -> Overload:
    """Run it all: a minute or two, most of it to sign what is sent."""
    measured, names = Overload(plan), [CLIENT_ID, *(f"quiet-{n}" for n in range(_QUIET))]
    with own_provider(directory / "own", Signers.generate(), clients=names) as provider:
        senders = [Sender(provider, plan, name) for name in names]
        for sender in senders:
            sender.open_requests(_OPEN)
        loud = senders[0]
        guess = _GUESS
        for _ in "ab":
            guess = loud.load(guess, is_open=False).run(provider).rate
            measured.capacity = max(measured.capacity, guess)
        for factor in _FACTORS:
            load = loud.load(measured.capacity * factor, connections=plan.connections)
            measured.runs[factor] = _run(load, provider)
        measured.loud, measured.quiet = _shared(measured, senders, provider)
    return measured


def _shared(
    measured: Overload, senders: Sequence[Sender], provider: Provider
) -> tuple[Run, list[Run]]:
    """All at the same time, each from an address of its own."""
    loud, *quiet = senders
    plan = measured.plan
    loads = [
        loud.load(measured.offered_by_loud, connections=plan.connections, source="127.0.1.1"),
        *(
            sender.load(
                measured.offered_by_quiet,
                connections=_QUIET_CONNECTIONS,
                source=f"127.0.2.{number}",
            )
            for number, sender in enumerate(quiet, 1)
        ),
    ]
    with ThreadPoolExecutor(len(loads)) as pool:
        first, *others = pool.map(lambda load: _run(load, provider), loads)
    return first, others


def _run(load: Load, provider: Provider) -> Run:
    """Where nothing went well, that is what was measured."""
    try:
        return load.run(provider)
    except RuntimeError as error:
        never = Latency(*[0.0] * 5)
        return Run(0.0, 1, never, 0.0, 0.0, 0.0, 0.0, str(error))


def chapter(measured: Overload) -> str:
    """What stands in docs/benchmarks.md."""
    rows = [
        [
            f"{measured.capacity * factor:.0f}/s",
            f"{measured.load(run):.1f}",
            f"{run.rate:.0f}/s",
            f"{run.bad / measured.plan.seconds:.0f}/s",
            f"{run.latency.p50:.0f} ms",
            f"{run.latency.p99:.0f} ms",
            f"{run.others:.2f}",
        ]
        for factor, run in measured.runs.items()
    ]
    head = ["offered", "load", "served", "503", "p50", "p99", "others"]
    served, refused = measured.costs
    return "\n\n".join(
        [
            environment("Redis of its own"),
            (
                f"{measured.plan.connections} connections, {measured.plan.seconds:g} s each; half,"
                " once, twice and four times the capacity in a closed loop over 32, which was"
                f" {measured.capacity:.0f}/s. The load is what was answered, in parts of what the"
                " processor time that the service got would have served. Latency is of what was"
                " served, from when it was due; the last column is what everything else on the"
                " machine took of a core meanwhile, of which there are two."
            ),
            table(head, rows),
            (
                f"A served poll costs {served:.0f} us of processor time, a refused one"
                f" {refused:.0f} us. **So at four times the load {measured.kept:.0%} of what can"
                f" be served is** (goal: at least {_GOODPUT:.0%}):"
                f" {'met' if measured.is_met else '**missed**'}."
            ),
            *_shares(measured),
        ]
    )


def _shares(measured: Overload) -> list[str]:
    loud, quiet, seconds = measured.loud, measured.quiet, measured.plan.seconds
    if loud is None:
        return []
    rows = [
        [
            "the loud one",
            f"{measured.offered_by_loud:.0f}/s",
            f"{loud.rate:.0f}/s",
            f"{_success(loud, seconds):.1%}",
            f"{loud.latency.p50:.0f} ms",
            f"{loud.latency.p99:.0f} ms",
        ],
        [
            f"each of {_QUIET} quiet ones, at the worst",
            f"{measured.offered_by_quiet:.0f}/s",
            f"{min(run.rate for run in quiet):.0f}/s",
            f"{min(_success(run, seconds) for run in quiet):.1%}",
            f"{max(run.latency.p50 for run in quiet):.0f} ms",
            f"{max(run.latency.p99 for run in quiet):.0f} ms",
        ],
    ]
    return [
        (
            "Twice the capacity, nine tenths of it by one of ten clients, each at an address of its"
            " own:"
        ),
        table(["who", "offered", "served", "of what it sent", "p50", "p99"], rows),
    ]


def _success(run: Run, seconds: float) -> float:
    return run.rate / max(1.0, run.rate + run.bad / seconds)


def main() -> int:
    """0 when the goals are met."""
    parser = argparse.ArgumentParser(prog="make bench-overload", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter runs, nothing written")
    options = parser.parse_args()
    build_generator()
    plan = Plan(seconds=1.5) if options.quick else Plan()
    with tempfile.TemporaryDirectory(prefix="ciba-bench-") as directory:
        measured = measure(plan, Path(directory))
    text = chapter(measured)
    if not options.quick:
        write_chapter("overload", text)
    sys.stdout.write(f"{text}\n")
    return 0 if measured.is_met else 1


if __name__ == "__main__":
    sys.exit(main())
