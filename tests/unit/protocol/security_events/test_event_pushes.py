"""What follows from an attempt to push a security event token."""

import pytest

from ciba_service.protocol.security_events.push import (
    FIRST_RETRY_MS,
    LONGEST_RETRY_MS,
    Accepted,
    Again,
    GivenUp,
    PushAnswer,
    PushError,
    judge_push,
)

NOW = 1_700_000_000_000
UNTIL = NOW + 86_400_000


def judged(
    answer: PushAnswer | None, *, attempt: int = 1, until: int = UNTIL, jitter: float = 1.0
) -> Accepted | Again | GivenUp:
    """The verdict on one attempt."""
    return judge_push(answer, attempt=attempt, now=NOW, until=until, jitter=jitter)


def refusal(err: str) -> PushAnswer:
    """An answer as RFC 8935 2.3 has it."""
    body = f'{{"err": "{err}", "description": "no"}}'.encode()
    return PushAnswer(400, body)


@pytest.mark.parametrize("status", [202, 200, 204])
def test_success_is_success(status: int):
    """202 is what a receiver should say; the others mean the same."""
    assert judged(PushAnswer(status)) == Accepted()


@pytest.mark.parametrize("err", ["invalid_request", "invalid_issuer", "invalid_audience"])
def test_what_will_never_be_taken_is_given_up(err: str):
    """Another attempt would end the same."""
    assert judged(refusal(err)) == GivenUp(PushError(err))


@pytest.mark.parametrize("err", ["invalid_key", "authentication_failed", "access_denied"])
def test_what_may_be_mended_is_tried_again(err: str):
    """A key that is new there, or an authorization that an operator puts right."""
    assert judged(refusal(err)) == Again(NOW + FIRST_RETRY_MS)


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b'{"err": 1}', b'{"err": "strange"}', b"[" * 8_000]
)
def test_a_refusal_that_cannot_be_read_is_one(body: bytes):
    """400 is the receiver's word, whatever it says beside it."""
    assert judged(PushAnswer(400, body)) == GivenUp(PushError.OTHER)


@pytest.mark.parametrize("status", [405, 413, 415, 422])
def test_another_client_error_is_final(status: int):
    """The same token would be refused again."""
    assert judged(PushAnswer(status)) == GivenUp(PushError.OTHER)


@pytest.mark.parametrize("status", [302, 401, 403, 404, 429, 500, 503])
def test_what_may_pass_is_tried_again(status: int):
    """As is silence."""
    assert judged(PushAnswer(status)) == judged(None) == Again(NOW + FIRST_RETRY_MS)


def test_attempts_become_rarer():
    """Twice as long each time, up to ten minutes, and spread over half of it."""
    waits = []
    for attempt in (1, 2, 3, 8, 100):
        verdict = judged(None, attempt=attempt)
        assert isinstance(verdict, Again)
        waits.append(verdict.at - NOW)
    assert waits == [5_000, 10_000, 20_000, LONGEST_RETRY_MS, LONGEST_RETRY_MS]
    assert judged(None, jitter=0.0) == Again(NOW + FIRST_RETRY_MS // 2)


@pytest.mark.parametrize(
    ("wish", "wait"),
    [("60", 60_000), ("99999999", LONGEST_RETRY_MS), ("soon", 5_000), ("-1", 5_000), ("", 5_000)],
)
def test_a_receiver_may_ask_for_time(wish: str, wait: int):
    """Within bounds; nonsense is nothing."""
    assert judged(PushAnswer(503, retry_after=wish)) == Again(NOW + wait)


def test_nothing_is_tried_for_ever():
    """Beyond the time for which events are kept it is given up."""
    assert judged(None, until=NOW + FIRST_RETRY_MS) == GivenUp(PushError.TOO_LATE)
