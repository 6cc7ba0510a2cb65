"""``make bench-overload``: what is said of a run follows from its figures."""

import pytest

from benchmarks.overload import Overload, Plan, chapter
from benchmarks.speed.generator import Latency, Run


def run(rate: float, bad: int = 0, p99: float = 100.0) -> Run:
    """A run that served so many a second."""
    latency = Latency(mean=20.0, p50=20.0, p90=50.0, p99=p99, max=200.0)
    return Run(rate, bad, latency, 500.0, 0.1, 0.2, 0.3, "")


def measured(last: Run) -> Overload:
    """A capacity of a thousand, and what became of four times as much."""
    runs = {0.5: run(500), 1.0: run(1_000), 2.0: run(950), 4.0: last}
    return Overload(Plan(seconds=2.0), capacity=1_000, runs=runs)


@pytest.mark.parametrize(
    ("last", "is_met"),
    [(run(800), True), (run(799), False), (run(900, p99=1_001.0), False)],
)
def test_the_goal_is_what_is_served_at_four_times_the_load(last: Run, is_met: bool):  # noqa: FBT001 - of the table
    """At least 80 % of the most, and in time."""
    one = measured(last)
    assert one.is_met is is_met
    assert ("**missed**" in chapter(one)) is not is_met


def test_the_loud_and_the_quiet_stand_side_by_side():
    """Of the quiet ones the worst; refusals are counted by the second."""
    one = measured(run(900))
    one.loud = run(700, bad=2_200)
    one.quiet = [run(22), run(20, bad=4, p99=150.0)]
    text = chapter(one)
    assert "| the loud one | 1800/s | 700/s | 38.9% | 20 ms | 100 ms |" in text
    assert "| each of 9 quiet ones, at the worst | 22/s | 20/s | 90.9% | 20 ms | 150 ms |" in text
