"""What an operator is told of a ledger: all of it; a client is told less (ledger_document.py)."""

import msgspec

from ciba_service.protocol.instants import instant
from ciba_service.protocol.transaction.ledger import Ledger, LedgerEntry, LedgerKind
from ciba_service.protocol.transaction.state import State

__all__ = ["HistoryEvent", "TransactionHistory", "history_event", "transaction_history"]


class HistoryEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry with all its facts; instants are RFC 3339 in UTC, to the millisecond."""

    id: int
    event: LedgerKind
    at: str
    reason: str | None = None
    attempt: int | None = None
    status: int | None = None
    failure: str | None = None
    again_at: str | None = None


class TransactionHistory(msgspec.Struct, frozen=True):
    """A transaction and what happened to it; ``complete``: nothing more will."""

    transaction_id: str
    client_id: str
    state: State
    complete: bool
    events: tuple[HistoryEvent, ...]


def transaction_history(ledger: Ledger) -> TransactionHistory:
    """All of a ledger."""
    return TransactionHistory(
        transaction_id=ledger.transaction_id,
        client_id=ledger.client_id,
        state=ledger.state,
        complete=ledger.is_complete,
        events=tuple(map(history_event, ledger.entries)),
    )


def history_event(entry: LedgerEntry) -> HistoryEvent:
    """One entry, likewise."""
    return HistoryEvent(
        id=entry.number,
        event=entry.kind,
        at=instant(entry.at),
        reason=entry.reason,
        attempt=entry.attempt,
        status=entry.status,
        failure=entry.failure,
        again_at=None if entry.again_at is None else instant(entry.again_at),
    )
