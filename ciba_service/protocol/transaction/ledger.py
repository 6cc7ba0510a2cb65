"""The ledger of a transaction: what happened to it and when.

Entries stand in the order in which they were written and are numbered from 1, for good. That a
transaction expired is never written: it is a comparison with the clock (state.py), and stands where
its deadline belongs. Nothing in an entry is secret, and nothing in it names a phone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from ciba_service.protocol.transaction.state import TRANSITIONS, State

__all__ = [
    "Ledger",
    "LedgerEntry",
    "LedgerKind",
    "with_expiry",
]


class LedgerKind(StrEnum):
    """What may happen to a transaction."""

    REQUESTED = "requested"
    ANNOUNCED = "announced"  # the user's phones were told, as far as they are connected
    RECEIVED = "received"  # a phone says that it has the challenge, and that it shows it
    SHOWN = "shown"
    APPROVED = "approved"
    DENIED = "denied"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REDEEMED = "redeemed"
    # An attempt to call the client back, by what followed from it (callbacks.py).
    CALLBACK_DUE = "callback_due"
    CALLBACK_DELIVERED = "callback_delivered"
    CALLBACK_ABANDONED = "callback_abandoned"
    OTHER = "other"  # written by a version that knows more

    @classmethod
    def _missing_(cls, value: object) -> "LedgerKind":  # noqa: ARG003 - whatever it is
        return cls.OTHER


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One thing that happened ``at``, in milliseconds since the epoch; what is None is not known.

    ``reason`` says why a request was denied or failed, or why a callback was abandoned. Of an
    attempt to call back: its number, the status the client answered or, without an answer, why
    there was none (``failure``), and when the next one is due.
    """

    kind: LedgerKind
    at: int
    reason: str | None = None
    attempt: int | None = None
    status: int | None = None
    failure: str | None = None
    again_at: int | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Ledger:
    """The entries of a transaction and where it stands, at the same instant.

    ``calls_back``: the client is still to be called back.
    """

    transaction_id: str
    client_id: str
    state: State
    entries: tuple[LedgerEntry, ...]
    calls_back: bool

    @property
    def is_complete(self) -> bool:
        """Whether nothing more will happen."""
        return not TRANSITIONS[self.state] and not self.calls_back

    def after(self, number: int) -> tuple[LedgerEntry, ...]:
        """What follows the entry of this number, 0 for all."""
        return tuple(entry for entry in self.entries if entry.number > number)


def with_expiry(written: Iterable[LedgerEntry], expired_at: int | None) -> tuple[LedgerEntry, ...]:
    """The entries with their numbers; ``expired_at`` is when it expired, None if it did not.

    Whatever was written at or after that instant follows it, so that no number changes later.
    """
    entries = list(written)
    if expired_at is not None:
        later = (place for place, entry in enumerate(entries) if entry.at >= expired_at)
        entries.insert(next(later, len(entries)), LedgerEntry(LedgerKind.EXPIRED, expired_at))
    return tuple(replace(entry, number=number) for number, entry in enumerate(entries, start=1))
