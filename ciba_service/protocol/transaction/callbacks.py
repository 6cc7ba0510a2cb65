"""Whether a callback is made again, and when (CIBA 10.2, 10.3).

A small machine beside the transaction's own: a callback is DUE until it is DELIVERED or ABANDONED.
Only what may pass by itself is tried again: no answer, a server's error, a request that came too
slowly or too early, too many requests. A redirect is never followed, and any other answer is the
client's word (FAPI-CIBA leaves it to ping clients to ask by themselves then).
"""

import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
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
    "put_off",
]

FIRST_RETRY_MS: Final = 5_000
LONGEST_RETRY_MS: Final = 60_000
PUT_OFF_MS: Final = 1_000
LATEST_FIRST_MS: Final = 300_000
"""How long after its deadline a callback may still wait for its turn: its record lives longer."""
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500
_UNHEARD: Final = frozenset({408, 425})  # RFC 9110 15.5.9, RFC 8470 5.2
_DIGITS: Final = 6
_TIME: Final = r"\d\d:\d\d:\d\d"
_HTTP_DATE: Final = re.compile(
    rf"\w{{3}}, \d\d \w{{3}} \d{{4}} {_TIME} GMT"
    rf"|\w{{6,9}}, \d\d-\w{{3}}-\d\d {_TIME} GMT"
    rf"|\w{{3}} \w{{3}} [ \d]\d {_TIME} \d{{4}}",
    re.ASCII,
)
"""In its three forms, the last of them without a zone (RFC 9110 5.6.7)."""


class CallbackState(StrEnum):
    """Where the delivery of a callback stands."""

    DUE = "due"
    DELIVERED = "delivered"
    ABANDONED = "abandoned"


class AbandonReason(StrEnum):
    """Why nobody tries any more."""

    REFUSED = "refused"  # a redirect, or most of 4xx
    TOO_LATE = "too_late"  # the auth_req_id cannot be redeemed any more
    CLIENT_GONE = "client_gone"
    NOT_ASKABLE = "not_askable"  # the address is none that is ever asked
    RECORD_GONE = "record_gone"  # nobody was there to make it until its record had ended
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
    or after ``deadline``. A client that asks for more time than is left gets the last chance there
    is.
    """
    match outcome:
        case Answer(status=status) if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110 15.3
            return Delivered()
        case Answer(status=status, retry_after=wish) if status == _TOO_MANY_REQUESTS:
            pause = _pause_wished(wish, now=now, left=deadline - now, jitter=jitter)
        case Answer(status=status) if status < _SERVER_ERROR and status not in _UNHEARD:
            return Abandoned(AbandonReason.REFUSED)
        case Silence(may_pass=False):
            return Abandoned(AbandonReason.NOT_ASKABLE)
        case _:
            longest = min(FIRST_RETRY_MS << min(attempt - 1, 8), LONGEST_RETRY_MS)
            # Never in the same millisecond, which would give two attempts one lease.
            pause = max(1, int(longest * jitter))
    at = now + pause
    return Again(at) if at < deadline else Abandoned(AbandonReason.TOO_LATE)


def put_off(*, now: int, deadline: int, jitter: float) -> Again | Abandoned:
    """What follows when there was no place for an attempt: that was none, and is not counted.

    It comes again soon. A first callback is made even past its ``deadline``, but not for ever.
    """
    at = now + PUT_OFF_MS + int(PUT_OFF_MS * jitter)
    return Again(at) if at < deadline + LATEST_FIRST_MS else Abandoned(AbandonReason.TOO_LATE)


def _pause_wished(retry_after: str | None, *, now: int, left: int, jitter: float) -> int:
    """Milliseconds: as ``Retry-After`` says and a little more, no less than a first retry takes."""
    longest = max(left - FIRST_RETRY_MS, FIRST_RETRY_MS)
    wished = min(max(_wished(retry_after, now), FIRST_RETRY_MS), longest)
    return wished + int(FIRST_RETRY_MS * jitter)


def _wished(retry_after: str | None, now: int) -> int:
    """``Retry-After`` in milliseconds from ``now``; nonsense is nothing (RFC 9110 10.2.3)."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return int(text[: _DIGITS + 1]) * 1000
    if not _HTTP_DATE.fullmatch(text):
        return 0
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return 0
    return int(date.replace(tzinfo=UTC).timestamp() * 1000) - now
