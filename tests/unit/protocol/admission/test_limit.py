"""How many requests are worked on at once follows how late the event loop is."""

import pytest

from ciba_service.protocol.admission.limit import AdaptiveLimit
from ciba_service.protocol.admission.patience import QueuePatience


@pytest.fixture
def limit() -> AdaptiveLimit:
    """As a process begins."""
    return AdaptiveLimit(most=1_000)


def test_it_begins_in_between(limit: AdaptiveLimit):
    """Enough for a burst, and not as many as there may ever be."""
    assert limit.value == 128
    assert AdaptiveLimit(most=10).value == 10


def test_a_loop_that_is_late_halves_it_at_the_most(limit: AdaptiveLimit):
    """In proportion to how late it is, and no single look closes the service."""
    limit.observe(0.025, was_full=True)
    assert limit.value == 102
    limit.observe(10.0, was_full=True)
    assert limit.value == 51


@pytest.mark.parametrize(("most", "least"), [(1_000, 32), (5, 5)])
def test_it_never_falls_below_what_keeps_the_processor_busy(most: int, least: int):
    """However late the loop is; and it does not rise above its bound for that."""
    limit = AdaptiveLimit(most=most)
    for _ in range(20):
        limit.observe(1.0, was_full=True)
    assert limit.value == least


def test_it_rises_while_the_loop_is_in_time_and_all_places_are_taken(limit: AdaptiveLimit):
    """Whoever waits for a slow store costs no processor."""
    limit.observe(0.02, was_full=True)
    assert limit.value == 144
    for _ in range(20):
        limit.observe(0.0, was_full=True)
    assert limit.value == 1_000


def test_what_is_not_used_does_not_rise(limit: AdaptiveLimit):
    """A quiet night is no reason to let in a thousand in the morning."""
    limit.observe(0.0, was_full=False)
    assert limit.value == 128


def test_a_small_limit_rises_as_well():
    """By one at the least."""
    limit = AdaptiveLimit(most=10, value=2)
    limit.observe(0.0, was_full=True)
    assert limit.value == 3


def looked(
    patience: QueuePatience, served: int = 200, *, lag: float = 0.0, **seen: bool
) -> tuple[float, int]:
    """How long one may wait, and how many may, after a tenth of a second."""
    patience.observe(served, 0.1, lag=lag, **{"was_empty": False, "has_refused": False, **seen})
    return patience.seconds, patience.room


def test_a_burst_may_wait_for_as_long_as_is_configured():
    """A queue that was empty a moment ago is no standing one, even if it was full then."""
    patience = QueuePatience(longest=0.5, most=500)
    assert (patience.seconds, patience.room) == (0.5, 500)
    assert looked(patience, was_empty=True) == (0.5, 500)
    assert looked(patience, was_empty=True, has_refused=True) == (0.5, 500)


def test_in_a_queue_that_stands_only_those_wait_who_are_served_soon():
    """A tenth of the time, and half of those who are served meanwhile."""
    assert looked(QueuePatience(longest=0.5, most=500)) == (0.05, 50)


@pytest.mark.parametrize(("served", "room"), [(0, 32), (100_000, 500)])
def test_there_is_room_for_a_few_and_never_for_more_than_is_configured(served: int, room: int):
    """Else a process that stood still for a moment would take nobody, a fast one everybody."""
    assert looked(QueuePatience(longest=0.5, most=500), served) == (0.05, room)


def test_a_storm_is_over_when_nobody_is_refused_any_more():
    """A queue that is short is empty now and then; that alone says nothing."""
    patience = QueuePatience(longest=0.5, most=500)
    looked(patience)
    assert looked(patience, was_empty=True, has_refused=True) == (0.05, 50)
    assert looked(patience, has_refused=False) == (0.05, 50)
    assert looked(patience, was_empty=True) == (0.5, 500)


@pytest.mark.parametrize(("lag", "seconds"), [(0.01, 0.05), (0.1, 0.3), (1.0, 0.5)])
def test_nobody_is_given_up_before_the_loop_came_round(lag: float, seconds: float):
    """On a slow machine a place cannot be had sooner."""
    patience = QueuePatience(longest=0.5, most=500)
    assert looked(patience, lag=lag)[0] == pytest.approx(seconds)
