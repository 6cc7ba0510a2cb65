"""The rule of when to poll."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_client.sdk.transaction.poll_schedule import PollSchedule, PollTooEarly, PollTooLate


def begun(
    interval: float = 5, expires_in: float = 180, *, awaits_ping: bool = False
) -> PollSchedule:
    """A schedule that starts at zero."""
    return PollSchedule.begin(
        sent_at=0, now=0, interval=interval, expires_in=expires_in, awaits_ping=awaits_ping
    )


def test_the_first_poll_waits_for_one_interval():
    """The interval counts from the acknowledgement."""
    assert begun(interval=7).next_poll_at(0) == 7


def test_the_expiry_counts_from_the_sending_of_the_request():
    """The client's idea of the expiry is never later than the provider's."""
    schedule = PollSchedule.begin(sent_at=10, now=12, interval=5, expires_in=60)
    assert schedule.expires_at == 70


@pytest.mark.parametrize(
    ("held_for", "next_at"),
    [pytest.param(0.1, 10, id="short answer"), pytest.param(30, 35, id="long poll")],
)
def test_the_interval_runs_from_the_sending_of_a_poll(held_for: float, next_at: float):
    """After a poll that was held longer than the interval the next may follow at once."""
    schedule = begun().sent(5)
    assert schedule.answered().next_poll_at(5 + held_for) == next_at


@pytest.mark.clause("ciba-10.1-7")
def test_slow_down_adds_five_seconds_to_all_later_intervals():
    """Each slow_down counts, and pending answers do not undo it."""
    schedule = begun().sent(5).slowed_down()
    assert schedule.next_poll_at(5) == 15
    schedule = schedule.sent(15).answered()
    assert schedule.next_poll_at(15) == 25
    assert schedule.sent(25).slowed_down().next_poll_at(25) == 40


def test_an_interval_of_zero_is_no_busy_loop():
    """There is always a short pause between the sendings of two polls."""
    schedule = begun(interval=0)
    assert schedule.next_poll_at(0) == 0.2
    assert schedule.sent(0.2).next_poll_at(0.2) == 0.4


@pytest.mark.parametrize(
    ("failures", "pause"),
    [(0, 10), (1, 20), (2, 40), (3, 60), (4, 60), (2000, 60)],
)
def test_failures_double_the_pause_up_to_a_minute(failures: int, pause: float):
    """Exponential back-off without overflow, however long the provider is away."""
    schedule = PollSchedule(interval=5, not_before=0, expires_at=1e6, failures=failures)
    assert schedule.unavailable(100, retry_after=None, jitter=0).next_poll_at(100) == 100 + pause


def test_jitter_only_lengthens_the_pause():
    """Clients are spread by up to a quarter, never brought closer."""
    schedule = begun().unavailable(100, retry_after=None, jitter=1)
    assert schedule.next_poll_at(100) == pytest.approx(112.5)


def test_the_back_off_is_never_shorter_than_a_long_interval():
    """The cap of a minute does not undercut the provider's interval."""
    schedule = begun(interval=90, expires_in=600).unavailable(100, retry_after=None, jitter=0)
    assert schedule.next_poll_at(100) == 190


@pytest.mark.parametrize(("retry_after", "next_at"), [(30, 36), (0, 10)])
def test_retry_after_is_obeyed_but_never_shortens_the_interval(retry_after: float, next_at: float):
    """The later of what the provider says and what the interval demands."""
    schedule = begun().sent(5).unavailable(6, retry_after=retry_after, jitter=1)
    assert schedule.next_poll_at(6) == next_at


def test_an_answer_ends_the_back_off():
    """After a success the next failure starts with the first back-off again."""
    schedule = begun().unavailable(10, retry_after=None, jitter=0).answered()
    assert schedule.failures == 0
    assert schedule.slowed_down().failures == 0


def test_no_poll_is_due_at_or_after_the_expiry():
    """The next poll must be strictly before the transaction ends."""
    schedule = begun(interval=5, expires_in=10)
    assert schedule.next_poll_at(9.9) == 9.9
    assert schedule.next_poll_at(10) is None
    assert schedule.sent(5).next_poll_at(5) is None


def test_a_poll_before_its_time_or_after_the_end_is_an_error():
    """The rule defends itself against its caller."""
    with pytest.raises(PollTooEarly):
        begun().sent(4.9)
    with pytest.raises(PollTooLate):
        begun().sent(180)


@pytest.mark.parametrize(
    ("interval", "expires_in", "times"),
    [
        pytest.param(5, 100, [30, 60, 90, 95], id="rarely, and once near the end"),
        pytest.param(5, 95, [30, 60, 90], id="not twice near the end"),
        pytest.param(0, 40, [30, 35], id="however short the interval"),
        pytest.param(50, 120, [50, 100], id="never below the interval"),
        pytest.param(1, 10, [5], id="a short request"),
        pytest.param(1, 4, [], id="too short a request"),
    ],
)
def test_who_awaits_a_ping_asks_rarely_without_one(
    interval: float, expires_in: float, times: list[float]
):
    """For pings that get lost."""
    schedule, now, asked = begun(interval, expires_in, awaits_ping=True), 0.0, []
    while (due := schedule.next_poll_at(now)) is not None:
        now = due
        asked.append(now)
        schedule = schedule.sent(now).answered()
    assert asked == times
    assert schedule.awaits_ping


def test_a_ping_makes_a_poll_due_and_ends_the_rare_ones():
    """At once, then by the interval; a second ping changes nothing."""
    schedule = begun(awaits_ping=True).pinged(3)
    assert not schedule.awaits_ping
    assert schedule.next_poll_at(3) == 3
    schedule = schedule.sent(3).answered()
    assert schedule.next_poll_at(3) == schedule.pinged(4).next_poll_at(3) == 8


def test_a_ping_does_not_shorten_a_back_off():
    """A call for patience holds."""
    failed = begun(awaits_ping=True).sent(30).unavailable(31, retry_after=20, jitter=0)
    assert failed.next_poll_at(31) == 51
    assert failed.pinged(32).next_poll_at(32) == 51


@dataclass(frozen=True)
class Round:
    """One poll as the world may shape it: how late it is sent, how it ends, how long it takes."""

    lateness: float
    outcome: str
    duration: float
    retry_after: float | None
    jitter: float


seconds = st.floats(0, 50, allow_nan=False)
rounds = st.builds(
    Round,
    lateness=st.just(0.0) | seconds,
    outcome=st.sampled_from(["pending", "slow_down", "unavailable"]),
    duration=seconds,
    retry_after=st.none() | seconds,
    jitter=st.floats(0, 1, exclude_max=True),
)


@pytest.mark.clause("ciba-10.1-7")
@given(
    interval=st.integers(0, 60),
    expires_in=st.integers(1, 600),
    story=st.lists(rounds, max_size=40),
    awaits_ping=st.booleans(),
)
def test_polls_are_never_closer_than_the_interval_in_force_nor_past_the_expiry(
    interval: int, expires_in: int, story: list[Round], *, awaits_ping: bool
):
    """Whatever the provider and the network do."""
    schedule = begun(interval, expires_in, awaits_ping=awaits_ping)
    now, sent, in_force = 0.0, [0.0], [float(interval)]
    for happening in story:
        due = schedule.next_poll_at(now)
        if due is None or due + happening.lateness >= expires_in:
            break
        now = due + happening.lateness
        schedule = schedule.sent(now)
        sent.append(now)
        now += happening.duration
        if happening.outcome == "slow_down":
            schedule = schedule.slowed_down()
            in_force.append(in_force[-1] + 5)
        elif happening.outcome == "unavailable":
            schedule = schedule.unavailable(
                now, retry_after=happening.retry_after, jitter=happening.jitter
            )
            in_force.append(in_force[-1])
        else:
            schedule = schedule.answered()
            in_force.append(in_force[-1])
    for earlier, later, least in zip(sent, sent[1:], in_force, strict=False):
        assert later - earlier >= least - 1e-9
    assert all(moment < expires_in for moment in sent)
