"""``make bench-overload``: what is said of a run follows from its figures."""

import pytest

from benchmarks.overload import Overload, Plan, chapter
from benchmarks.speed.generator import Latency, Run


def run(rate: float, bad: int = 0, p99: float = 100.0, *, refusal: float = 50.0) -> Run:
    """A run of two seconds: what is served costs a millisecond, and this is what a refusal does."""
    latency = Latency(mean=20.0, p50=20.0, p90=50.0, p99=p99, max=200.0)
    each = (rate * 1_000 + bad / 2 * refusal) / (rate + bad / 2)
    return Run(rate, bad, latency, each, 0.1, 0.2, 0.3, "")


def measured(refusal: float) -> Overload:
    """Four loads, of which others left a processor that was slower each time."""
    runs = {
        0.5: run(500, refusal=refusal),
        1.0: run(800, bad=200, refusal=refusal),
        2.0: run(500, bad=1_600, refusal=refusal),
        4.0: run(300, bad=4_000, refusal=refusal),
    }
    return Overload(Plan(seconds=2.0), capacity=1_000, runs=runs)


@pytest.mark.parametrize(("refusal", "kept", "is_met"), [(62.0, 0.80, True), (64.0, 0.79, False)])
def test_the_goal_is_what_is_served_at_four_times_the_load(
    refusal: float,
    kept: float,
    is_met: bool,  # noqa: FBT001 - of the table
):
    """By what serving and refusing cost, however much of the processor others took."""
    one = measured(refusal)
    assert one.costs == pytest.approx((1_000, refusal))
    assert one.kept == pytest.approx(kept, abs=0.005)
    assert one.is_met is is_met
    assert ("**missed**" in chapter(one)) is not is_met


def test_the_loud_and_the_quiet_stand_side_by_side():
    """Of the quiet ones the worst; refusals are counted by the second."""
    one = measured(50.0)
    one.loud = run(700, bad=2_200)
    one.quiet = [run(22), run(20, bad=4, p99=150.0)]
    text = chapter(one)
    assert "| the loud one | 1800/s | 700/s | 38.9% | 20 ms | 100 ms |" in text
    assert "| each of 9 quiet ones, at the worst | 22/s | 20/s | 90.9% | 20 ms | 150 ms |" in text
