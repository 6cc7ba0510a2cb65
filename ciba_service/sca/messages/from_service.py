"""What the service says about requests: challenges and what became of decisions."""

from enum import StrEnum

import msgspec

from ciba_service.sca.messages.decision import RefusalReason, Verdict

__all__ = [
    "Accepted",
    "ChallengeOffered",
    "Fetched",
    "Hello",
    "KeysAnnounced",
    "Refused",
    "Welcome",
    "Withdrawn",
    "WithdrawnReason",
]


class WithdrawnReason(StrEnum):
    """Why a challenge is no longer open."""

    DECIDED = "decided"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Hello(msgspec.Struct, frozen=True, tag="hello", tag_field="type"):
    """First frame on a socket: the nonce to sign."""

    issuer: str
    nonce: str


class Welcome(msgspec.Struct, frozen=True, tag="welcome", tag_field="type"):
    """The phone is authenticated; ``server_time`` is milliseconds since the epoch."""

    device_id: str
    server_time: int


class ChallengeOffered(msgspec.Struct, frozen=True, tag="challenge", tag_field="type"):
    """An open challenge, as the exact JWS to verify, show and sign."""

    challenge: str


class KeysAnnounced(msgspec.Struct, frozen=True, tag="keys", tag_field="type"):
    """The same key announcement signed by each key that a phone may have pinned."""

    announcements: tuple[str, ...]


class Fetched(msgspec.Struct, frozen=True, tag="fetched", tag_field="type"):
    """End of the answer to a fetch; ``open`` lists every transaction still open."""

    open: tuple[str, ...]


class Withdrawn(msgspec.Struct, frozen=True, tag="withdrawn", tag_field="type"):
    """A challenge that needs no answer any more."""

    transaction_id: str
    reason: WithdrawnReason


class Accepted(msgspec.Struct, frozen=True, tag="accepted", tag_field="type"):
    """The decision counts; ``decision`` is its ``jti``."""

    transaction_id: str
    decision: str
    verdict: Verdict


class Refused(msgspec.Struct, frozen=True, tag="refused", tag_field="type", omit_defaults=True):
    """The decision does not count; ``attempts_left`` only where factors were evaluated.

    ``retry_after`` (seconds) is there while the last attempt is not to be had. ``reported``: it was
    "not me" of a request that had ended before anybody answered, and that is heeded all the same.
    """

    transaction_id: str
    decision: str
    reason: RefusalReason
    attempts_left: int | None = None
    retry_after: int | None = None
    reported: bool = False
