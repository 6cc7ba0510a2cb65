"""Security events that wait to be pushed, in Redis: two keys and a slot a receiver."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ciba_service.ports import DueSet
from ciba_service.protocol.security_events.record import SecurityEventRecord
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import outbox_claim_key, outbox_due_key, outbox_key
from ciba_service.stores.operations import Operations

__all__ = ["CAPACITY", "LEASE_MS", "RedisSetOutbox"]

CAPACITY: Final = 10_000
LEASE_MS: Final = 30_000
_PUT: Final = Script.load("put_set")
_CLAIM: Final = Script.load("claim_due")
_SETTLE: Final = Script.load("settle_set")


class _Entry(msgspec.Struct, frozen=True):
    record: SecurityEventRecord
    attempts: int = 0


class RedisSetOutbox:
    """``ports.SetOutbox`` on Redis; all of it is forgotten ``kept`` ms after the last event."""

    __slots__ = ("_kept", "_new_operation", "_operations", "_receiver")

    def __init__(
        self,
        operations: Operations,
        new_operation: Callable[[], str],
        *,
        receiver: str,
        kept: int,
    ) -> None:
        self._operations = operations
        self._new_operation = new_operation
        self._receiver = receiver
        self._kept = kept

    async def put(self, records: Sequence[SecurityEventRecord], *, now: int) -> int:
        """Keep them, each once, as long as there are fewer than ten thousand."""
        entries = ((record.id, msgspec.json.encode(_Entry(record))) for record in records)
        unplaced = await self._operations.evaluate(
            _PUT,
            [outbox_due_key(self._receiver), outbox_key(self._receiver)],
            [CAPACITY, self._kept, now, *(part for entry in entries for part in entry)],
        )
        return int(unplaced)

    async def claim(self, *, now: int, limit: int) -> Sequence[DueSet]:
        """Lease what is due for half a minute; what another version wrote is left to that one."""
        until = now + LEASE_MS
        names = await self._operations.evaluate(
            _CLAIM,
            [
                outbox_due_key(self._receiver),
                outbox_claim_key(self._receiver, self._new_operation()),
            ],
            [now, limit, until, LEASE_MS],
        )
        if not names:
            return []
        found = await self._operations.call("HMGET", outbox_key(self._receiver), *names)
        entries = (_entry(each) for each in found if each is not None)
        return [DueSet(each.record, each.attempts, until) for each in entries if each is not None]

    async def finish(self, due: DueSet) -> None:
        """Forget it, unless it was leased anew."""
        await self._settle(due, 0)

    async def put_off(self, due: DueSet, *, until: int) -> None:
        """Make it due again, unless it was leased anew."""
        await self._settle(due, until)

    async def _settle(self, due: DueSet, again: int) -> None:
        entry = _Entry(due.record, due.attempts + 1)
        await self._operations.evaluate(
            _SETTLE,
            [outbox_due_key(self._receiver), outbox_key(self._receiver)],
            [due.record.id, due.lease_until, again, msgspec.json.encode(entry)],
        )


def _entry(stored: bytes) -> _Entry | None:
    """An entry, or None: not all kinds of all versions are known to this one."""
    try:
        return msgspec.json.decode(stored, type=_Entry)
    except (ValueError, RecursionError):
        return None
