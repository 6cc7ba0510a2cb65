"""The chapter of docs/benchmarks.md: what was run, what was broken, and what came of it."""

from collections import Counter
from collections.abc import Sequence

from benchmarks.machine import environment
from benchmarks.report import table
from benchmarks.soak.running import Outcome
from benchmarks.soak.scenario import Topology

__all__ = ["FAILOVERS", "NAME", "chapter"]

NAME = "soak"
FAILOVERS = "soak-failovers"
_SHARES = (0.5, 0.99)


def chapter(outcomes: Sequence[Outcome], volume: str = "") -> str:
    """The whole of it, as Markdown."""
    seeds = sorted({outcome.seed for outcome in outcomes})
    flows = sum(outcome.judged.ends.total() for outcome in outcomes)
    faults = sum((outcome.faults for outcome in outcomes), Counter[str]())
    ends = sum((outcome.judged.ends for outcome in outcomes), Counter[str]())
    lost = sum((outcome.judged.lost for outcome in outcomes), Counter[str]())
    forgotten = sum((outcome.judged.forgotten for outcome in outcomes), Counter[str]())
    points = sum((outcome.points for outcome in outcomes), Counter[str]())
    violations = sum(len(outcome.judged.violations) for outcome in outcomes)
    where = environment(_stores(outcomes))
    parts = [
        f"{where}; seed {', '.join(map(str, seeds))}.",
        f"**{flows:,} flows, {violations} violations.**",
        table(
            ["scenario", "flows", "a second", "faults", "violations", *_heads()],
            [_row(outcome) for outcome in outcomes],
        ),
        table(["how flows ended", ""], _rows(ends)),
        table(["redemptions whose answer nobody got", ""], _rows(lost)),
        *([table(["what failovers took", ""], _rows(forgotten))] if forgotten else []),
        table(["faults", ""], _rows(faults)),
        f"Scripts at which a process was killed: {_told(points)}.",
    ]
    if not points:
        parts.pop()
    parts += [_shortened(outcome) for outcome in outcomes if _is_short(outcome)]
    if volume:
        parts.append(f"Beside this, {volume}.")
    return "\n\n".join(parts)


def _stores(outcomes: Sequence[Outcome]) -> str:
    if all(outcome.scenario.topology is Topology.SINGLE for outcome in outcomes):
        return "Redis with an append-only file synced on every write"
    waited = sorted({outcome.scenario.replicas for outcome in outcomes})
    return f"replicated Redis, `wait_for_replicas` {', '.join(map(str, waited))}"


def _is_short(outcome: Outcome) -> bool:
    return outcome.judged.ends.total() < outcome.scenario.flows


def _shortened(outcome: Outcome) -> str:
    planned, seconds = outcome.scenario.flows, outcome.scenario.seconds or outcome.seconds
    return (
        f"Of {planned:,} flows planned in `{outcome.scenario.name}` these are the ones that began"
        f" within {seconds / 60:.0f} minutes."
    )


def _heads() -> list[str]:
    return [
        f"{what} p{share * 100:.0f}"
        for what in ("acknowledged", "decided", "redeemed")
        for share in _SHARES
    ]


def _row(outcome: Outcome) -> list[str]:
    flows = outcome.judged.ends.total()
    latencies = [
        f"{outcome.milliseconds(what, share):.0f} ms"
        for what in ("acknowledged", "decided", "redeemed")
        for share in _SHARES
    ]
    return [
        outcome.scenario.name,
        f"{flows:,}",
        f"{flows / outcome.seconds:.0f}",
        f"{outcome.faults.total():,}",
        str(len(outcome.judged.violations)),
        *latencies,
    ]


def _rows(counted: Counter[str]) -> list[list[str]]:
    return [[name, f"{number:,}"] for name, number in counted.most_common()] or [["none", "0"]]


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{name} ({number})" for name, number in sorted(counted.items()))
