"""What ``make bench`` writes down: the table with the goals, and what the figures are worth."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from benchmarks.machine import environment
from benchmarks.report import table
from benchmarks.speed.comparison import Compared, Comparison, median
from benchmarks.speed.generator import Run
from benchmarks.speed.scenarios import Scenario

__all__ = ["chapter", "is_met"]

_RATES: Final = {
    Scenario.BACKCHANNEL: 1.6,
    Scenario.POLL: 1.7,
    Scenario.REDEMPTION: 2.0,
    Scenario.FLOW: 2.0,
}
_TAIL: Final = 4.0
_REDIS: Final = 0.65
_RESIDENT: Final = 0.40


@dataclass(frozen=True)
class _Goal:
    what: str
    own: str
    peer: str
    ratio: float
    goal: float
    at_most: bool = False

    @property
    def is_met(self) -> bool:
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal

    def row(self) -> list[str]:
        bound = "at most" if self.at_most else "at least"
        met = "met" if self.is_met else "**missed**"
        return [self.what, self.own, self.peer, f"{self.ratio:.2f}", f"{bound} {self.goal:g}", met]


def is_met(measured: Comparison) -> bool:
    """Whether every goal was reached, of those that were measured."""
    return all(goal.is_met for goal in _goals(measured))


def chapter(measured: Comparison) -> str:
    """The whole of it, as Markdown."""
    plan = measured.plan
    how = (
        f"Median of {plan.runs} runs of {plan.seconds:g} s each after {plan.warm_up:g} s of warm-up"
        f" ({plan.redemptions} redemptions), in turn with the peer's, which stands still meanwhile;"
        " a ratio is the median of those of neighbouring runs. 32 connections; p99 at half of the"
        " peer's maximum rate is of an open loop over 64, counted from when a flow was due."
    )
    head = ["what", "service", "peer", "ratio", "goal", ""]
    goals = table(head, [goal.row() for goal in _goals(measured)])
    if not measured.scenarios:
        return f"{environment(measured.providers)}.\n\n{goals}"
    details = table(
        ["what", "who", "a second", "runs", "processor", "p50", "p99", "Redis", "generator"],
        [
            row
            for scenario, compared in measured.scenarios.items()
            for row in (
                _detail(scenario, "service", compared.own),
                _detail(scenario, "peer", compared.peer),
            )
        ],
    )
    return "\n\n".join(
        [f"{environment(measured.providers)}.", how, goals, details, _noise(measured)]
    )


def _goals(measured: Comparison) -> list[_Goal]:
    goals = []
    for scenario, compared in measured.scenarios.items():
        goals.append(_rate(scenario, compared))
        goals.append(_tail(scenario, compared))
    own, peer, number = measured.own_memory, measured.peer_memory, measured.plan.pending
    goals += [
        _Goal(
            "Redis bytes for each pending request, the challenge aside",
            f"{own.redis_bytes - own.challenge_bytes:.0f} (and {own.challenge_bytes})",
            f"{peer.redis_bytes:.0f}",
            (own.redis_bytes - own.challenge_bytes) / peer.redis_bytes,
            _REDIS,
            at_most=True,
        ),
        _Goal(
            f"resident memory with {number:,} pending",
            f"{own.resident_mib:.0f} MiB",
            f"{peer.resident_mib:.0f} MiB",
            own.resident_mib / peer.resident_mib,
            _RESIDENT,
            at_most=True,
        ),
    ]
    return goals


def _rate(scenario: Scenario, compared: Compared) -> _Goal:
    own, peer = (f"{median(runs, _per_second):.0f}/s" for runs in (compared.own, compared.peer))
    return _Goal(scenario.value, own, peer, compared.ratio, _RATES[scenario])


def _tail(scenario: Scenario, compared: Compared) -> _Goal:
    own, peer = (
        f"{median(runs, lambda run: run.latency.p99):.1f} ms"
        for runs in (compared.own_at_half, compared.peer_at_half)
    )
    what = f"{scenario.value}: p99 at {compared.half_rate:.0f}/s"
    return _Goal(what, own, peer, compared.tail_ratio, _TAIL)


def _detail(scenario: Scenario, who: str, runs: tuple[Run, ...]) -> list[str]:
    return [
        scenario.value,
        who,
        f"{median(runs, _per_second):.0f}",
        " ".join(f"{run.rate:.0f}" for run in runs),
        f"{median(runs, lambda run: run.cpu):.0f} us",
        f"{median(runs, lambda run: run.latency.p50):.1f} ms",
        f"{median(runs, lambda run: run.latency.p99):.1f} ms",
        f"{median(runs, lambda run: run.redis_share):.2f}",
        f"{median(runs, lambda run: run.generator_share):.2f}",
    ]


def _noise(measured: Comparison) -> str:
    runs = list(_all_runs(measured))
    others = [run.others for run in runs]
    by_processor = ", ".join(
        f"{scenario.value} {compared.cpu_ratio:.2f}"
        for scenario, compared in measured.scenarios.items()
    )
    return (
        f"Noise: while it was measured ({measured.seconds:.0f} s in all), everything else on the"
        f" machine took {statistics.median(others):.2f} of a core (median of all runs;"
        f" {max(others):.2f} at the most). By processor time alone, which others disturb least, the"
        f" ratios are {by_processor}. Answers that were not as expected:"
        f" {sum(run.bad for run in runs)}."
    )


def _all_runs(measured: Comparison) -> Iterable[Run]:
    for each in measured.scenarios.values():
        yield from (*each.own, *each.peer, *each.own_at_half, *each.peer_at_half)


def _per_second(run: Run) -> float:
    return run.rate
