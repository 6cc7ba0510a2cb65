"""Whether a callback is made again, and when (CIBA 10.2, 10.3).

A small machine beside the transaction's own: a callback is DUE until it is DELIVERED or ABANDONED.
Only what may pass by itself is tried again: no answer, a server's error, too many requests. A
redirect is never followed, and any other answer is the client's word (FAPI-CIBA leaves it to ping
clients to ask by themselves then).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = [
    "FIRST_RETRY_MS",
    "LONGEST_RETRY_MS",
    "AbandonReason",
    "Abandoned",
    "Again",
    "Answer",
    "CallbackState",
    "Delivered",
    "Silence",
    "judge",
]

FIRST_RETRY_MS: Final = 5_000
LONGEST_RETRY_MS: Final = 60_000
_TOO_MANY_REQUESTS: Final = 429
_DIGITS: Final = 6


class CallbackState(StrEnum):
    """Where the delivery of a callback stands."""

    DUE = "due"
    DELIVERED = "delivered"
    ABANDONED = "abandoned"


class AbandonReason(StrEnum):
    """Why nobody tries any more."""

    REFUSED = "refused"  # a redirect, or 4xx
    TOO_LATE = "too_late"  # the auth_req_id cannot be redeemed any more
    CLIENT_GONE = "client_gone"
    NOT_ASKABLE = "not_askable"  # the address is none that is ever asked
    NOTHING_TO_TELL = "nothing_to_tell"  # its tokens were ended, or it was cancelled


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client's endpoint answered; ``retry_after`` is that header."""

    status: int
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer; ``may_pass`` unless the address is one that is never asked."""

    may_pass: bool


@dataclass(frozen=True, slots=True)
class Delivered:
    """The client has it."""


@dataclass(frozen=True, slots=True)
class Again:
    """To be tried again ``at``, in milliseconds since the epoch."""

    at: int


@dataclass(frozen=True, slots=True)
class Abandoned:
    """Nobody tries any more."""

    reason: AbandonReason


def judge(
    outcome: Answer | Silence, *, attempt: int, now: int, deadline: int, jitter: float
) -> Delivered | Again | Abandoned:
    """What follows from the ``attempt``-th attempt, which ended at ``now``.

    ``jitter`` from 0 to 1 spreads retries over the time they may take; nothing is tried again at
    or after ``deadline``.
    """
    match outcome:
        case Answer(status=status) if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110 15.3
            return Delivered()
        case Answer(status=status, retry_after=wish) if status == _TOO_MANY_REQUESTS:
            pause = max(_wished(wish), FIRST_RETRY_MS)
        case Answer(status=status) if status < 500:  # noqa: PLR2004 - RFC 9110 15.6
            return Abandoned(AbandonReason.REFUSED)
        case Silence(may_pass=False):
            return Abandoned(AbandonReason.NOT_ASKABLE)
        case _:
            longest = min(FIRST_RETRY_MS << min(attempt - 1, 8), LONGEST_RETRY_MS)
            # Never in the same millisecond, which would give two attempts one lease.
            pause = max(1, int(longest * jitter))
    at = now + pause
    return Again(at) if at < deadline else Abandoned(AbandonReason.TOO_LATE)


def _wished(retry_after: str | None) -> int:
    """``Retry-After`` in milliseconds; a date or nonsense counts as nothing (RFC 9110 10.2.3)."""
    text = (retry_after or "").strip()
    is_number = text.isascii() and text.isdigit() and len(text) <= _DIGITS
    return int(text) * 1000 if is_number else 0
