"""How often a transaction may be asked about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.transaction.polling import SLOW_DOWN_STEP_MS, Throttle, poll

BEGIN = 1_800_000_000_000


@pytest.mark.parametrize("interval", [0, 1_000, 5_000, 300_000])
def test_the_first_poll_is_free(interval: int):
    """A client may ask at once, whatever the interval."""
    assert poll(Throttle(interval), BEGIN) == (False, Throttle(interval, BEGIN))


@pytest.mark.clause("ciba-10.1-7")
@pytest.mark.parametrize(
    ("interval", "after", "is_early"),
    [
        (0, 0, False),
        (1_000, 0, False),
        (5_000, 0, True),
        (5_000, 3_999, True),
        (5_000, 4_000, False),
        (5_000, 5_000, False),
        (10_000, 8_999, True),
        (10_000, 9_000, False),
        (30_000, 26_999, True),
        (30_000, 27_000, False),
        (300_000, 269_999, True),
        (300_000, 270_000, False),
    ],
)
def test_a_poll_is_on_time_from_a_second_or_a_tenth_before(
    interval: int, after: int, *, is_early: bool
):
    """Networks are not clocks: the larger of one second and ten per cent is forgiven."""
    too_early, _ = poll(Throttle(interval, BEGIN), BEGIN + after)
    assert too_early is is_early


@pytest.mark.parametrize(
    ("interval", "before", "is_early"),
    [(0, 15_000, False), (0, 1, False), (5_000, 3_999, True), (5_000, 4_000, False)],
)
def test_a_clock_that_was_set_back_is_not_held_against_the_client(
    interval: int, before: int, *, is_early: bool
):
    """A poll before the last one is as far from it as the two times are apart."""
    too_early, throttle = poll(Throttle(interval, BEGIN), BEGIN - before)
    assert too_early is is_early
    assert throttle.last_poll_at == BEGIN - before


@pytest.mark.clause("ciba-11-2")
def test_each_slow_down_adds_five_seconds_for_good():
    """The longer interval holds for this and all later polls, and runs from the early poll."""
    throttle = Throttle(5_000, BEGIN)
    too_early, throttle = poll(throttle, BEGIN + 1_000)
    assert (too_early, throttle) == (True, Throttle(10_000, BEGIN + 1_000))
    too_early, throttle = poll(throttle, BEGIN + 6_000)
    assert (too_early, throttle) == (True, Throttle(15_000, BEGIN + 6_000))
    too_early, throttle = poll(throttle, BEGIN + 6_000 + 13_500)
    assert (too_early, throttle) == (False, Throttle(15_000, BEGIN + 19_500))
    too_early, _ = poll(throttle, BEGIN + 19_500 + 5_000)
    assert too_early


@given(
    interval=st.integers(0, 600_000),
    pauses=st.lists(st.integers(0, 700_000), min_size=1, max_size=20),
)
def test_the_interval_never_shrinks(interval: int, pauses: list[int]):
    """It grows by five seconds with every early poll and by nothing else."""
    throttle, now, early = Throttle(interval), BEGIN, 0
    for pause in pauses:
        now += pause
        too_early, throttle = poll(throttle, now)
        early += too_early
        assert throttle == Throttle(interval + early * SLOW_DOWN_STEP_MS, now)
