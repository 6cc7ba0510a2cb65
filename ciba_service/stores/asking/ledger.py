"""Ledgers in Redis: fields of the record of their transaction, written by whatever happens to it.

There they cost no key, no round trip and no lifetime of their own. All of it are lines in one field
but for what every ledger begins with, which is two numbers beside it.
"""

from collections.abc import Iterator
from typing import Any, Final

from ciba_service.ports import UnknownRecordFormat
from ciba_service.protocol.transaction.callbacks import CallbackState
from ciba_service.protocol.transaction.ledger import (
    Ledger,
    LedgerEntry,
    LedgerKind,
    with_expiry,
)
from ciba_service.protocol.transaction.state import Deadlines, State, effective_state
from ciba_service.sca.phones.devices import MAXIMUM_DEVICES, UserTag
from ciba_service.stores.asking.ledger_lines import LEDGER_PRELUDE, parse_line
from ciba_service.stores.asking.transactions import MALFORMED, RECORD_FORMAT
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import transaction_key
from ciba_service.stores.operations import Operations
from ciba_service.stores.phones.receipt_marks import MARK_LENGTH, phone_mark

__all__ = ["RedisLedgers"]

_ANNOUNCED: Final = Script.load("note_announced", LEDGER_PRELUDE)
_RECEIPT: Final = Script.load("note_receipt", LEDGER_PRELUDE)

_OTHER_FORMAT: Final = -1
# A kind's first letter, the mark and a space, for two receipts of each phone: of phones
# that came and went meanwhile, too.
_MARKS_AT_MOST: Final = (1 + MARK_LENGTH + 1) * 2 * 2 * MAXIMUM_DEVICES


class RedisLedgers:
    """``ports.LedgerStore`` on Redis."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def read(self, transaction_id: str, *, now: int) -> Ledger | None:
        """One command, so that state and entries are of the same instant."""
        version, *fields = await self._operations.call(
            "HMGET",
            transaction_key(transaction_id),
            *("v", "c", "s", "e", "E", "g", "u", "h", "y", "n", "a"),
        )
        if version is None:
            return None
        if version != RECORD_FORMAT.encode():
            raise UnknownRecordFormat("a transaction has another format")
        try:
            return _ledger(transaction_id, fields, now)
        except MALFORMED as error:
            raise UnknownRecordFormat("a transaction has another format") from error

    async def announced(self, transaction_id: str, *, now: int) -> UserTag | None:
        """One script, in the partition of the transaction."""
        noted = await self._operations.evaluate(
            _ANNOUNCED, [transaction_key(transaction_id)], [RECORD_FORMAT, now]
        )
        if noted == _OTHER_FORMAT:
            raise UnknownRecordFormat("a transaction has another format")
        return noted.decode() if noted else None

    async def receipt(
        self, transaction_id: str, tag: UserTag, device_id: str, kind: LedgerKind, *, now: int
    ) -> None:
        """One script; that a phone gave a receipt is marked by a hash of its name."""
        mark = f"{kind[0]}{phone_mark(device_id)} "
        noted = await self._operations.evaluate(
            _RECEIPT,
            [transaction_key(transaction_id)],
            [RECORD_FORMAT, now, tag, kind, mark, _MARKS_AT_MOST],
        )
        if noted < 0:
            raise UnknownRecordFormat("a transaction has another format")


def _ledger(transaction_id: str, fields: list[Any], now: int) -> Ledger:
    client, written, expires_at, lives, announced, redeem_until, lines, *rest = fields
    callback, carried, told = rest
    deadlines = Deadlines(int(expires_at), int(redeem_until or 0))
    stored = State(written.decode())
    state = effective_state(stored, deadlines, now)
    # Nobody has written yet that what was never decided expired, which makes its callback due.
    will_tell_expiry = (stored, state) == (State.PENDING, State.EXPIRED) and bool(told)
    ended_at = deadlines.redeem_until or deadlines.expires_at
    return Ledger(
        transaction_id=transaction_id,
        client_id=client.decode(),
        state=state,
        entries=with_expiry(
            (*_first(int(expires_at) - int(lives), announced), *_lines(lines)),
            ended_at if state is State.EXPIRED else None,
        ),
        calls_back=carried is not None
        and (callback == CallbackState.DUE.encode() or will_tell_expiry),
    )


def _first(requested_at: int, announced: bytes | None) -> tuple[LedgerEntry, ...]:
    """What every ledger begins with is kept as numbers."""
    requested = LedgerEntry(LedgerKind.REQUESTED, requested_at)
    if announced is None:
        return (requested,)
    return requested, LedgerEntry(LedgerKind.ANNOUNCED, requested_at + int(announced))


def _lines(written: bytes | None) -> Iterator[LedgerEntry]:
    return map(parse_line, (written or b"").decode().splitlines())
