"""What a client is told of a ledger, as JSON; an operator is told all of it."""

from typing import Final

import msgspec

from ciba_service.protocol.instants import instant
from ciba_service.protocol.transaction.ledger import Ledger, LedgerEntry, LedgerKind
from ciba_service.protocol.transaction.state import State

__all__ = ["LedgerDocument", "LedgerEvent", "ledger_document", "ledger_event"]


class LedgerEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry; ``id`` is its number, instants are RFC 3339 in UTC, to the millisecond."""

    id: int
    event: LedgerKind
    at: str
    attempt: int | None = None
    status: int | None = None
    again_at: str | None = None
    reason: str | None = None


class LedgerDocument(msgspec.Struct, frozen=True):
    """All of it; ``complete`` says that nothing more will happen."""

    transaction_id: str
    state: State
    complete: bool
    events: tuple[LedgerEvent, ...]


# The facts that a client is told beside what happened and when. Why a user denied, that a phone is
# locked or an account closed is not for clients: the token endpoint says ``access_denied`` to all
# of it. Why an endpoint could not be reached would tell whoever registers addresses what is there.
_FACTS: Final[dict[LedgerKind, frozenset[str]]] = {
    LedgerKind.REQUESTED: frozenset(),
    LedgerKind.ANNOUNCED: frozenset(),
    LedgerKind.RECEIVED: frozenset(),
    LedgerKind.SHOWN: frozenset(),
    LedgerKind.APPROVED: frozenset(),
    LedgerKind.DENIED: frozenset(),
    LedgerKind.FAILED: frozenset(),
    LedgerKind.CANCELLED: frozenset(),
    LedgerKind.EXPIRED: frozenset(),
    LedgerKind.REDEEMED: frozenset(),
    LedgerKind.CALLBACK_DUE: frozenset({"attempt", "status", "again_at"}),
    LedgerKind.CALLBACK_DELIVERED: frozenset({"attempt", "status"}),
    LedgerKind.CALLBACK_ABANDONED: frozenset({"attempt", "status", "reason"}),
    LedgerKind.OTHER: frozenset(),
}


def ledger_document(ledger: Ledger) -> LedgerDocument:
    """What the client of the transaction is told."""
    return LedgerDocument(
        transaction_id=ledger.transaction_id,
        state=ledger.state,
        complete=ledger.is_complete,
        events=tuple(map(ledger_event, ledger.entries)),
    )


def ledger_event(entry: LedgerEntry) -> LedgerEvent:
    """One entry, likewise."""
    told = _FACTS[entry.kind]
    again_at = None if entry.again_at is None else instant(entry.again_at)
    return LedgerEvent(
        id=entry.number,
        event=entry.kind,
        at=instant(entry.at),
        attempt=entry.attempt if "attempt" in told else None,
        status=entry.status if "status" in told else None,
        again_at=again_at if "again_at" in told else None,
        reason=entry.reason if "reason" in told else None,
    )
