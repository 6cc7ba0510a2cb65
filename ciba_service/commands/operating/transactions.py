"""``ciba-service transactions``: show what happened to one, and the receipt of its approval."""

import sys

import msgspec

from ciba_service.commands.opening import existing_keys, open_stores, system_surroundings
from ciba_service.commands.outcome import CommandFailed, print_rows
from ciba_service.flow.asking.sca_receipts import ScaReceipts
from ciba_service.flow.operators.transactions import SignedReceipt
from ciba_service.ports import SignerUnavailable
from ciba_service.protocol.operators.ledgers import HistoryEvent, transaction_history
from ciba_service.protocol.transaction.identifiers import is_transaction_id
from ciba_service.protocol.transaction.ledger import LedgerKind
from ciba_service.settings import Settings

__all__ = ["print_receipt", "show_transaction"]


class _Row(msgspec.Struct, frozen=True):
    at: str
    event: LedgerKind
    facts: str


async def show_transaction(settings: Settings, transaction_id: str, *, as_json: bool) -> None:
    """Print what happened to a transaction; raises ``CommandFailed`` when there is none."""
    ledger = None
    if is_transaction_id(transaction_id):
        async with open_stores(settings) as stores:
            now = system_surroundings().clock.now_ms()
            ledger = await stores.ledgers.read(transaction_id, now=now)
    if ledger is None:
        raise CommandFailed(f"there is no transaction {transaction_id}")
    shown = transaction_history(ledger)
    if as_json:
        sys.stdout.write(msgspec.json.encode(shown).decode() + "\n")
        return
    sys.stdout.write(f"{transaction_id} of {shown.client_id} is {shown.state}\n\n")
    rows = [_Row(event.at, event.event, _facts(event)) for event in shown.events]
    print_rows(rows, as_json=False)


async def print_receipt(settings: Settings, transaction_id: str, *, as_json: bool) -> None:
    """Print the SCA receipt of an approval; raises ``CommandFailed`` when there is none."""
    if not is_transaction_id(transaction_id):
        raise CommandFailed(f"there is no transaction {transaction_id}")
    keys = existing_keys(settings)
    async with open_stores(settings) as stores:
        clock = system_surroundings().clock
        receipts = ScaReceipts(store=stores.sca_receipts, keys=keys, clock=clock)
        kept = await receipts.find(transaction_id)
    if kept is None:
        raise CommandFailed(f"there is no transaction {transaction_id}")
    if kept.receipt is None:
        raise CommandFailed(f"{transaction_id} is {kept.state}: there is no approval that counts")
    try:
        signed = await receipts.sign(kept.receipt)
    except SignerUnavailable as error:
        raise CommandFailed(f"{error}; ciba-service keys generate makes what is missing") from error
    shown = SignedReceipt(transaction_id, signed, kept.receipt)
    text = msgspec.json.encode(shown).decode() if as_json else signed
    sys.stdout.write(text + "\n")


def _facts(event: HistoryEvent) -> str:
    told = ("reason", "attempt", "status", "failure", "again_at")
    facts = ((name, getattr(event, name)) for name in told)
    return " ".join(f"{name}={value}" for name, value in facts if value is not None)
