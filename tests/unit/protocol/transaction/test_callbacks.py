"""Whether a callback is made again, and when."""

import pytest

from ciba_service.protocol.transaction.callbacks import (
    FIRST_RETRY_MS,
    LATEST_FIRST_MS,
    LONGEST_RETRY_MS,
    Abandoned,
    AbandonReason,
    Again,
    Answer,
    Delivered,
    Silence,
    judge,
    put_off,
)

NOW, LATER = 1_000_000, 10_000_000
Verdict = Delivered | Again | Abandoned


def verdict(
    outcome: Answer | Silence, *, attempt: int = 1, deadline: int = LATER, jitter: float = 1.0
) -> Verdict:
    """What follows at a fixed time."""
    return judge(outcome, attempt=attempt, now=NOW, deadline=deadline, jitter=jitter)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_success_is_delivery(status: int):
    """CIBA 10.2 names 200 and 204; a server that says 202 has it as well."""
    assert verdict(Answer(status)) == Delivered()


@pytest.mark.parametrize(
    "status", [100, 300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 407, 409, 410, 424, 426, 499]
)
def test_any_other_word_of_the_client_ends_it(status: int):
    """Neither a redirect nor a refusal is asked about twice."""
    assert verdict(Answer(status)) == Abandoned(AbandonReason.REFUSED)


@pytest.mark.parametrize(
    "outcome", [Answer(408), Answer(425), Answer(500), Answer(599), Silence(may_pass=True)]
)
def test_what_may_pass_is_tried_again_ever_more_rarely(outcome: Answer | Silence):
    """The time it may take doubles from five seconds to a minute; chance spreads it, never to 0."""
    for attempt, longest in enumerate((5, 10, 20, 40, 60, 60), start=1):
        assert verdict(outcome, attempt=attempt) == Again(NOW + longest * 1000)
        assert verdict(outcome, attempt=attempt, jitter=0.25) == Again(NOW + longest * 250)
    assert verdict(outcome, attempt=10_000) == Again(NOW + LONGEST_RETRY_MS)
    assert verdict(outcome, jitter=0.0) == Again(NOW + 1)


@pytest.mark.parametrize(
    ("wish", "pause"),
    [
        ("7", 7_000), (" 30 ", 30_000), ("0", FIRST_RETRY_MS), (None, FIRST_RETRY_MS),
        ("soon", FIRST_RETRY_MS), ("-5", FIRST_RETRY_MS), ("1e3", FIRST_RETRY_MS),
        ("\u0667", FIRST_RETRY_MS), ("007", 7_000),
        ("Thu, 01 Jan 1970 00:17:10 GMT", 30_000), ("Thursday, 01-Jan-70 00:17:10 GMT", 30_000),
        ("Thu Jan  1 00:17:10 1970", 30_000), (" Thu, 01 Jan 1970 00:17:10 GMT ", 30_000),
        ("Thu, 01 Jan 1970 00:16:41 GMT", FIRST_RETRY_MS),
        ("Wed, 31 Dec 1969 23:59:59 GMT", FIRST_RETRY_MS),
        ("Thu, 01 Jan 1970 00:17:10 +0000", FIRST_RETRY_MS),
        ("Thu, 32 Jan 1970 00:17:10 GMT", FIRST_RETRY_MS),
        ("Thu, 01 Jax 1970 00:17:10 GMT", FIRST_RETRY_MS),
        ("Thu, 01 Jan 1970 00:17:99 GMT", FIRST_RETRY_MS),
        ("Thu, 01 Jan 1970 00:17:10 GMT" * 400, FIRST_RETRY_MS),
    ],
)  # fmt: skip
def test_too_many_requests_says_when(wish: str | None, pause: int):
    """As Retry-After has it, in seconds or as a date, and never sooner than five seconds."""
    assert verdict(Answer(429, wish), jitter=0.0) == Again(NOW + pause)


def test_chance_spreads_what_was_told_to_come_later():
    """Clients that say the same to all their callbacks do not get them all at once."""
    for jitter, more in ((0.0, 0), (0.5, 2_500), (0.9, 4_500)):
        assert verdict(Answer(429, "30"), jitter=jitter) == Again(NOW + 30_000 + more)


@pytest.mark.parametrize(
    "wish", ["8990", "8995", "9000", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"]
)
def test_a_client_that_wants_more_time_than_is_left_gets_the_last_chance(wish: str):
    """Just before the deadline, whatever chance adds; unless that would be too soon as well."""
    for jitter in (0.0, 0.99):
        again = verdict(Answer(429, wish), jitter=jitter)
        assert isinstance(again, Again)
        assert LATER - 10_000 <= again.at < LATER
    soon = NOW + FIRST_RETRY_MS
    late = verdict(Answer(429, wish), deadline=soon, jitter=0.0)
    assert late == Abandoned(AbandonReason.TOO_LATE)
    last = verdict(Answer(429, wish), deadline=soon + 1, jitter=0.0)
    assert last == Again(soon)


def test_what_found_no_place_comes_again_soon():
    """Within two seconds; past its deadline a first callback waits for some minutes more."""
    assert put_off(now=NOW, deadline=LATER, jitter=0.0) == Again(NOW + 1_000)
    assert put_off(now=NOW, deadline=LATER, jitter=0.5) == Again(NOW + 1_500)
    assert put_off(now=NOW, deadline=NOW, jitter=0.0) == Again(NOW + 1_000)
    end = NOW + 1_000 - LATEST_FIRST_MS
    assert put_off(now=NOW, deadline=end + 1, jitter=0.0) == Again(NOW + 1_000)
    late = put_off(now=NOW, deadline=end, jitter=0.0)
    assert late == Abandoned(AbandonReason.TOO_LATE)


def test_an_address_that_is_never_asked_is_given_up():
    """No time makes it another."""
    assert verdict(Silence(may_pass=False)) == Abandoned(AbandonReason.NOT_ASKABLE)


@pytest.mark.parametrize(
    ("outcome", "pause"),
    [
        (Answer(500), FIRST_RETRY_MS),
        (Answer(429, "5"), 2 * FIRST_RETRY_MS),
        (Silence(may_pass=True), FIRST_RETRY_MS),
    ],
)
def test_nothing_is_tried_once_it_is_too_late(outcome: Answer | Silence, pause: int):
    """At the deadline the auth_req_id is worth nothing any more."""
    due = NOW + pause
    assert verdict(outcome, deadline=due + 1) == Again(due)
    assert verdict(outcome, deadline=due) == Abandoned(AbandonReason.TOO_LATE)
