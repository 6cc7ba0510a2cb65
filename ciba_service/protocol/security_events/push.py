"""What follows from an attempt to push a security event token (RFC 8935 2)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

__all__ = ["Accepted", "Again", "GivenUp", "PushAnswer", "PushError", "judge_push"]

FIRST_RETRY_MS: Final = 5_000
LONGEST_RETRY_MS: Final = 600_000
_DIGITS: Final = 5
_BAD_REQUEST: Final = 400
_PASSING: Final = frozenset({401, 403, 404, 408, 425, 429})
"""What an operator on either side mends, or time does."""


class PushError(StrEnum):
    """What a receiver says in ``err`` (RFC 8935 2.4)."""

    INVALID_REQUEST = "invalid_request"
    INVALID_KEY = "invalid_key"
    INVALID_ISSUER = "invalid_issuer"
    INVALID_AUDIENCE = "invalid_audience"
    AUTHENTICATION_FAILED = "authentication_failed"
    ACCESS_DENIED = "access_denied"
    OTHER = "other"
    TOO_LATE = "too_late"  # of our own: it was tried for as long as events are kept


# Whoever does not know our key yet, or mistakes our authorization, may be put right.
_MENDABLE: Final = frozenset(
    {PushError.INVALID_KEY, PushError.AUTHENTICATION_FAILED, PushError.ACCESS_DENIED}
)


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """What the receiver answered; ``body`` is looked at where the status is 400 only."""

    status: int
    body: bytes = b""
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class Again:
    """To be pushed again ``at``, in milliseconds since the epoch."""

    at: int


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Never to be pushed again."""

    error: PushError


class _Refusal(msgspec.Struct, frozen=True):
    err: str


def judge_push(
    answer: PushAnswer | None, *, attempt: int, now: int, until: int, jitter: float
) -> Accepted | Again | GivenUp:
    """What follows from the ``attempt``-th attempt, which ended at ``now`` (ms), None: unanswered.

    Nothing is pushed again at or after ``until``; ``jitter`` from 0 to 1 spreads retries.
    """
    if answer is not None and 200 <= answer.status < 300:  # noqa: PLR2004 - RFC 9110 15.3
        return Accepted()
    error = None if answer is None else _final_error(answer)
    if error is not None:
        return GivenUp(error)
    longest = min(FIRST_RETRY_MS << min(attempt - 1, 8), LONGEST_RETRY_MS)
    wished = 0 if answer is None else _wished(answer.retry_after)
    at = now + max(longest // 2 + int(longest * jitter / 2), wished)
    return Again(at) if at < until else GivenUp(PushError.TOO_LATE)


def _final_error(answer: PushAnswer) -> PushError | None:
    """Why another attempt would end the same; None where it may not."""
    if answer.status == _BAD_REQUEST:
        error = _stated(answer.body)
        return None if error in _MENDABLE else error
    if answer.status in _PASSING or not 400 <= answer.status < 500:  # noqa: PLR2004 - RFC 9110 15.5
        return None
    return PushError.OTHER


def _stated(body: bytes) -> PushError:
    try:
        return PushError(msgspec.json.decode(body, type=_Refusal).err)
    except (ValueError, RecursionError):  # of JSON or UTF-8, nested without end, or another word
        return PushError.OTHER


def _wished(retry_after: str | None) -> int:
    """``Retry-After`` in seconds, as milliseconds and within bounds; anything else is nothing."""
    text = (retry_after or "").strip()
    if not (text.isascii() and text.isdigit()):
        return 0
    return min(int(text[: _DIGITS + 1]) * 1000, LONGEST_RETRY_MS)
