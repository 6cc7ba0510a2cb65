"""``ciba-service transactions``: show what happened to one."""

import re
import sys
from typing import Final

import msgspec

from ciba_service.commands.opening import open_stores, system_surroundings
from ciba_service.commands.outcome import CommandFailed, print_rows
from ciba_service.protocol.transaction.ledger import Ledger, LedgerEntry, LedgerKind
from ciba_service.protocol.transaction.ledger_document import instant
from ciba_service.protocol.transaction.state import State
from ciba_service.settings import Settings

__all__ = ["show_transaction"]

_TRANSACTION_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)


class _Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry with all its facts; a client is told less (ledger_document.py)."""

    id: int
    event: LedgerKind
    at: str
    reason: str | None = None
    attempt: int | None = None
    status: int | None = None
    failure: str | None = None
    again_at: str | None = None


class _Shown(msgspec.Struct, frozen=True):
    transaction_id: str
    client_id: str
    state: State
    complete: bool
    events: tuple[_Event, ...]


class _Row(msgspec.Struct, frozen=True):
    at: str
    event: LedgerKind
    facts: str


async def show_transaction(settings: Settings, transaction_id: str, *, as_json: bool) -> None:
    """Print what happened to a transaction; raises ``CommandFailed`` when there is none."""
    ledger = None
    if _TRANSACTION_ID.fullmatch(transaction_id):
        async with open_stores(settings) as stores:
            now = system_surroundings().clock.now_ms()
            ledger = await stores.ledgers.read(transaction_id, now=now)
    if ledger is None:
        raise CommandFailed(f"there is no transaction {transaction_id}")
    events = tuple(map(_event, ledger.entries))
    if as_json:
        sys.stdout.write(msgspec.json.encode(_shown(ledger, events)).decode() + "\n")
        return
    sys.stdout.write(f"{transaction_id} of {ledger.client_id} is {ledger.state}\n\n")
    print_rows([_Row(event.at, event.event, _facts(event)) for event in events], as_json=False)


def _shown(ledger: Ledger, events: tuple[_Event, ...]) -> _Shown:
    return _Shown(
        transaction_id=ledger.transaction_id,
        client_id=ledger.client_id,
        state=ledger.state,
        complete=ledger.is_complete,
        events=events,
    )


def _event(entry: LedgerEntry) -> _Event:
    return _Event(
        id=entry.number,
        event=entry.kind,
        at=instant(entry.at),
        reason=entry.reason,
        attempt=entry.attempt,
        status=entry.status,
        failure=entry.failure,
        again_at=None if entry.again_at is None else instant(entry.again_at),
    )


def _facts(event: _Event) -> str:
    told = ("reason", "attempt", "status", "failure", "again_at")
    facts = ((name, getattr(event, name)) for name in told)
    return " ".join(f"{name}={value}" for name, value in facts if value is not None)
