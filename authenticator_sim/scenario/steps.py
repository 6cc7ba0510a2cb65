"""What a scenario consists of, as it stands in its file."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from ciba_service.sca.messages import DenialReason

__all__ = [
    "Approve",
    "Clock",
    "Deny",
    "Expect",
    "Expire",
    "Look",
    "Offline",
    "Outcome",
    "Pause",
    "PhoneName",
    "Race",
    "Request",
    "Resend",
    "Scenario",
    "Step",
]


class PhoneName(StrEnum):
    """Which phone does it."""

    FIRST = "first"
    SECOND = "second"


class Outcome(StrEnum):
    """What came of a step."""

    ACCEPTED = "accepted"
    FACTORS = "factors"
    LOCKED = "locked"
    PAUSED = "paused"
    NOT_OPEN = "not_open"
    INVALID_DECISION = "invalid_decision"
    UNAVAILABLE = "unavailable"
    REJECTED = "rejected"
    """The service answered 400 or 401: the message broke the protocol."""
    REVOKED = "revoked"
    NOT_SENT = "not_sent"
    SHOWN = "shown"
    OPEN = "open"
    GONE = "gone"
    NOTHING = "nothing"
    DONE = "done"


class Expect(StrEnum):
    """What a step ought to come to: one outcome, or ``refused`` for each way of refusing."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    FACTORS = "factors"
    LOCKED = "locked"
    PAUSED = "paused"
    NOT_OPEN = "not_open"
    INVALID_DECISION = "invalid_decision"
    REJECTED = "rejected"
    REVOKED = "revoked"
    SHOWN = "shown"
    OPEN = "open"
    GONE = "gone"
    NOTHING = "nothing"
    ONE_ACCEPTED = "one_accepted"


_Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]
_Number = Annotated[int, msgspec.Meta(ge=1, le=20)]


class _Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", kw_only=True):
    phone: PhoneName = PhoneName.FIRST
    expect: Expect | None = None


class Request(_Step, frozen=True, kw_only=True, tag="request"):
    """Wait for a request that this scenario has not met yet; expects one unless told otherwise."""

    within: _Seconds = 60.0
    expect: Expect | None = Expect.SHOWN


class Look(_Step, frozen=True, kw_only=True, tag="look"):
    """See whether a request is still open; the last one unless ``request`` says which."""

    request: _Number | None = None


class Pause(_Step, frozen=True, kw_only=True, tag="pause"):
    """Let time pass."""

    seconds: _Seconds


class Offline(_Step, frozen=True, kw_only=True, tag="offline"):
    """Out of reach for so long; then the phone is back and fetches what is open."""

    seconds: _Seconds


class Expire(_Step, frozen=True, kw_only=True, tag="expire"):
    """Wait until the last request has expired."""


class Clock(_Step, frozen=True, kw_only=True, tag="clock"):
    """From now on the phone's clock is so many seconds ahead; negative: behind."""

    ahead: Annotated[int, msgspec.Meta(ge=-(10**9), le=10**9)]


class _Decision(_Step, frozen=True, kw_only=True):
    request: _Number | None = None
    """Which request, by its number; the last one otherwise."""
    hash_of: Literal["altered"] | _Number | None = None
    """Sign the hash of an altered challenge, or of another request's."""
    key: Literal["own", "stale"] = "own"
    send: bool = True
    """Whether it is sent at all: a message that gets lost is made and not sent."""
    copies: _Number = 1
    """How often the same bytes are sent."""


class Approve(_Decision, frozen=True, kw_only=True, tag="approve"):
    """Approve, ``times`` over with a new decision each."""

    pin: Literal["right", "wrong"] = "right"
    passkey: Literal["right", "unverified", "old_count"] | None = None
    """Confirm with the passkey in place of the PIN: as it should be, with a mere touch, or with a
    count that was used before."""
    times: _Number = 1


class Deny(_Decision, frozen=True, kw_only=True, tag="deny"):
    """Decline."""

    reason: DenialReason = DenialReason.DECLINED


class Resend(_Step, frozen=True, kw_only=True, tag="resend"):
    """Send a decision again to the byte, by its number in the scenario; else the last one made."""

    decision: _Number | None = None


class Race(_Step, frozen=True, kw_only=True, tag="race"):
    """Decide at the same moment; expects one to be accepted unless told otherwise."""

    between: Annotated[
        tuple[Approve | Deny | Resend, ...], msgspec.Meta(min_length=2, max_length=10)
    ]
    expect: Expect | None = Expect.ONE_ACCEPTED


Step = Request | Look | Pause | Offline | Expire | Clock | Approve | Deny | Resend | Race


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file; ``about`` says in a sentence what it shows."""

    about: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1, max_length=100)]
