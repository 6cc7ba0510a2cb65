"""Names of connections sort in the order in which connections were opened."""

from itertools import count

from ciba_service.endpoints.device.connection_names import ConnectionNames
from tests.fake_clock import FakeClock


class SteppingClock(FakeClock):
    """A clock of a host whose time is set."""

    def __init__(self, now_ms: int) -> None:
        super().__init__()
        self._now_ms = now_ms


def names(clock: FakeClock, random: str = "z") -> ConnectionNames:
    """Names whose random part falls, so that only time and turn can order them."""
    falling = count(10**6, -1)
    return ConnectionNames(clock, lambda: f"{random}{next(falling):07d}")


def test_names_of_one_moment_are_in_order():
    """A hundred thousand in one millisecond sort by turn."""
    naming = names(SteppingClock(1_000))
    given = [naming.next() for _ in range(100_000)]
    assert given == sorted(given)
    assert len(set(given)) == len(given)


def test_names_follow_the_clock():
    """From one digit of milliseconds to many, the later is the greater."""
    clock = SteppingClock(9)
    naming = names(clock)
    given = [naming.next()]
    for _ in range(9):
        clock.advance(clock.now_ms() / 100)
        given.append(naming.next())
    assert given == sorted(given)


def test_a_clock_that_goes_back_does_not_turn_the_order():
    """What is named after a correction of the clock is still the greater."""
    clock = SteppingClock(5_000)
    naming = names(clock)
    before = naming.next()
    clock.advance(-3)
    assert naming.next() > before


def test_two_processes_give_different_names_in_one_moment():
    """One of the two is the greater, whoever compares them."""
    clock = SteppingClock(1_000)
    assert names(clock, "a").next() < names(clock, "b").next()
