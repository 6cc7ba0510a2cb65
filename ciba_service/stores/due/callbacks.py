"""Callbacks in Redis: sealed in the record of their transaction, due in its partition."""

from typing import Final

import msgspec

from ciba_service.ports import (
    Callback,
    CallbackProgress,
    DueWork,
    PendingCallback,
    Push,
    UnknownRecordFormat,
)
from ciba_service.protocol.transaction.callbacks import CallbackState
from ciba_service.protocol.transaction.state import (
    Deadlines,
    State,
    effective_state,
    told_until,
)
from ciba_service.stores.asking.ledger_lines import LEDGER_PRELUDE, attempt_line
from ciba_service.stores.asking.transactions import RECORD_FORMAT
from ciba_service.stores.driver.script import Script
from ciba_service.stores.due.due import due_member
from ciba_service.stores.keys import (
    abandoned_key,
    due_key,
    grant_key,
    partition_of,
    transaction_key,
)
from ciba_service.stores.operations import Operations
from ciba_service.stores.sealing import Sealer

__all__ = ["ABANDONED_KEPT_MS", "MOST_ABANDONED", "RedisCallbacks"]

ABANDONED_KEPT_MS: Final = 7 * 86_400_000
MOST_ABANDONED: Final = 1_000
"""In one partition; the oldest ones make room."""

_NOTE: Final = Script.load("note_callback", LEDGER_PRELUDE)


class RedisCallbacks:
    """``ports.CallbackStore`` on Redis."""

    __slots__ = ("_operations", "_sealer")

    def __init__(self, operations: Operations, sealer: Sealer) -> None:
        self._operations = operations
        self._sealer = sealer

    async def find(self, transaction_id: str, *, now: int) -> PendingCallback | None:
        """One round trip."""
        key = transaction_key(transaction_id)
        version, client, sealed, standing, attempts, *rest = await self._operations.call(
            "HMGET", key, "v", "c", "n", "y", "z", "e", "u", "s", "p"
        )
        if version is None or not sealed or standing != CallbackState.DUE.encode():
            return None
        if version != RECORD_FORMAT.encode():
            raise UnknownRecordFormat("a transaction has another format")
        expires_at, redeem_until, state, sealed_push = rest
        deadlines = Deadlines(int(expires_at), int(redeem_until or 0))
        push = self._push(key, sealed_push)
        client_id = client.decode()
        opened = self._sealer.open(sealed, key=key, name="callback", owner=client_id)
        return PendingCallback(
            transaction_id=transaction_id,
            client_id=client_id,
            callback=msgspec.json.decode(opened, type=Callback),
            attempts=int(attempts or 0),
            deadline=told_until(deadlines) if push is None else push.until,
            state=effective_state(State(state.decode()), deadlines, now),
            push=push,
        )

    def _push(self, key: str, sealed: bytes | None) -> Push | None:
        if not sealed:
            return None
        return msgspec.json.decode(self._sealer.open(sealed, key=key, name="push"), type=Push)

    async def note(self, work: DueWork, progress: CallbackProgress, *, now: int) -> bool:
        """One script, in the partition of the transaction."""
        partition = partition_of(work.transaction_id)
        noted = await self._operations.evaluate(
            _NOTE,
            [
                transaction_key(work.transaction_id),
                due_key(partition),
                abandoned_key(partition),
                grant_key(work.transaction_id),
            ],
            [
                due_member(work.kind, work.transaction_id),
                work.lease_until,
                progress.state,
                progress.attempts,
                progress.again_at,
                progress.reason or "",
                work.transaction_id,
                now,
                ABANDONED_KEPT_MS,
                MOST_ABANDONED,
                attempt_line(progress, now=now),
            ],
        )
        return bool(noted)
