"""What operators see of callbacks, read from due work, records and lists of what was given up."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Self

import msgspec

from ciba_service.ports import (
    Delivery,
    DeliveryState,
    DueKind,
    FoundDelivery,
    Redelivery,
    UnknownRecordFormat,
)
from ciba_service.ports.due.deliveries import DeliveryPlace
from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_base64url
from ciba_service.protocol.transaction.callbacks import AbandonReason
from ciba_service.protocol.transaction.state import Deadlines, State, effective_state
from ciba_service.stores.asking.ledger_lines import LEDGER_PRELUDE, redelivery_line
from ciba_service.stores.asking.transactions import RECORD_FORMAT
from ciba_service.stores.driver.script import Script
from ciba_service.stores.due.callbacks import ABANDONED_KEPT_MS, MOST_ABANDONED
from ciba_service.stores.due.due import due_member
from ciba_service.stores.keys import (
    PARTITIONS,
    abandoned_key,
    due_key,
    partition_of,
    transaction_key,
)
from ciba_service.stores.operations import Operations

__all__ = ["RedisDeliveryLog"]

_REDELIVER: Final = Script.load("redeliver_callback", LEDGER_PRELUDE)
_PARTITIONS_AT_ONCE: Final = 16
_SCANNED_AT_ONCE: Final = 1_000
_TRANSACTION_BYTES: Final = 16
_FIELDS: Final = ("v", "c", "s", "e", "u", "y", "z", "x", "n")


class _Entry(msgspec.Struct, frozen=True):
    """A member of the list of what was given up, as ``note_callback`` writes it."""

    t: str
    c: str
    a: int
    r: AbandonReason

    def delivery(self, at: int) -> Delivery:
        """What it says."""
        return Delivery(self.t, self.c, DeliveryState.ABANDONED, self.a, at, self.r)


@dataclass(frozen=True, slots=True)
class _Record:
    """What the record of a transaction says of its callback."""

    client_id: str
    state: State
    deadlines: Deadlines
    callback: DeliveryState
    attempts: int
    reason: AbandonReason | None
    is_kept: bool

    @classmethod
    def parse(cls, fields: list[bytes | None]) -> Self | None:
        """Read it; None when there is no record or no callback, or it is not due yet.

        Raises:
            UnknownRecordFormat: the record has another format.
        """
        if fields[0] is None:
            return None
        if fields[0] != RECORD_FORMAT.encode():
            raise UnknownRecordFormat("a transaction has another format")
        client, state, expires, redeem, standing, attempts, reason, carried = (
            (field or b"").decode("latin-1") for field in fields[1:]
        )
        if not standing:
            return None
        callback = DeliveryState(standing)
        if callback is DeliveryState.DUE and not carried:
            callback = DeliveryState.NEEDLESS
        return cls(
            client_id=client,
            state=State(state),
            deadlines=Deadlines(int(expires), int(redeem or 0)),
            callback=callback,
            attempts=int(attempts or 0),
            reason=AbandonReason(reason) if reason else None,
            is_kept=bool(carried),
        )

    def delivery(self, transaction_id: str, at: int | None) -> Delivery:
        """What operators see of it."""
        return Delivery(
            transaction_id, self.client_id, self.callback, self.attempts, at, self.reason
        )


class RedisDeliveryLog:
    """``ports.DeliveryLog`` on Redis; partitions are looked at a few at a time."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def due(
        self, *, client_id: str | None, limit: int, after: DeliveryPlace | None = None
    ) -> list[Delivery]:
        """All that are due are looked at; ``limit`` bounds what is kept of them."""
        return await _first_of_all(
            self._due_in, client_id=client_id, order=_Order(1, after), limit=limit
        )

    async def abandoned(
        self, *, client_id: str | None, limit: int, now: int, after: DeliveryPlace | None = None
    ) -> list[Delivery]:
        """Of the last seven days, and at most a thousand of each partition."""

        async def look(partition: int) -> list[Delivery]:
            return await self._abandoned_in(partition, now)

        return await _first_of_all(look, client_id=client_id, order=_Order(-1, after), limit=limit)

    async def find(self, transaction_id: str, *, now: int) -> FoundDelivery | None:
        """One round trip."""
        if not _is_transaction_id(transaction_id):
            return None
        partition, key = partition_of(transaction_id), transaction_key(transaction_id)
        fields, ends, due_at, given_up = await asyncio.gather(
            self._operations.call("HMGET", key, *_FIELDS),
            self._operations.call("PEXPIRETIME", key),
            self._operations.call(
                "ZSCORE", due_key(partition), due_member(DueKind.CALLBACK, transaction_id)
            ),
            self._abandoned_in(partition, now),
        )
        listed = [each for each in given_up if each.transaction_id == transaction_id]
        record = _Record.parse(fields)
        if record is None:
            return FoundDelivery(listed[0]) if listed else None
        at = int(due_at) if due_at is not None else None
        if record.callback is DeliveryState.ABANDONED:
            at = listed[0].at if listed else None
        return FoundDelivery(
            record.delivery(transaction_id, at),
            effective_state(record.state, record.deadlines, now),
            is_kept=record.is_kept,
            kept_until=ends,
        )

    async def redeliver(self, transaction_id: str, *, operation: str, now: int) -> Redelivery:
        """One script; raises ``UnknownRecordFormat``."""
        if not _is_transaction_id(transaction_id):
            return Redelivery.GONE
        partition = partition_of(transaction_id)
        reply = await self._operations.evaluate(
            _REDELIVER,
            [transaction_key(transaction_id), due_key(partition), abandoned_key(partition)],
            [
                operation,
                RECORD_FORMAT,
                now,
                due_member(DueKind.CALLBACK, transaction_id),
                redelivery_line(now=now),
            ],
        )
        if reply == b"format":
            raise UnknownRecordFormat("a transaction has another format")
        return Redelivery(reply.decode())

    async def _due_in(self, partition: int) -> list[Delivery]:
        times: dict[str, int] = {}
        cursor = 0
        while True:
            cursor, members = await self._operations.call(
                "ZSCAN",
                due_key(partition),
                cursor,
                "MATCH",
                due_member(DueKind.CALLBACK, "*"),
                "COUNT",
                _SCANNED_AT_ONCE,
            )
            times |= {member.decode().partition(":")[2]: int(at) for member, at in members}
            if not cursor:
                break
        records = await asyncio.gather(
            *(self._operations.call("HMGET", transaction_key(name), *_FIELDS) for name in times)
        )
        return [
            record.delivery(name, at)
            for (name, at), fields in zip(times.items(), records, strict=True)
            if (record := _parsed(fields)) is not None and record.callback is DeliveryState.DUE
        ]

    async def _abandoned_in(self, partition: int, now: int) -> list[Delivery]:
        """The last one first."""
        flat = await self._operations.call(
            "ZRANGE",
            abandoned_key(partition),
            "+inf",
            now - ABANDONED_KEPT_MS,
            "BYSCORE",
            "REV",
            "LIMIT",
            0,
            MOST_ABANDONED,
            "WITHSCORES",
        )
        pairs = zip(flat[::2], flat[1::2], strict=True)
        read = ((_entry(member), int(float(at))) for member, at in pairs)
        return [entry.delivery(at) for entry, at in read if entry is not None]


@dataclass(frozen=True, slots=True)
class _Order:
    """By time, the earliest first or (``sign`` -1) last, and then by name; ``after`` a place."""

    sign: int
    after: DeliveryPlace | None

    def key(self, delivery: Delivery) -> tuple[int, str]:
        """Its place."""
        return (self.sign * (delivery.at or 0), delivery.transaction_id)

    def follows(self, delivery: Delivery) -> bool:
        """Whether it stands after that place."""
        if self.after is None:
            return True
        return self.key(delivery) > (self.sign * self.after.at, self.after.transaction_id)


async def _first_of_all(
    look: Callable[[int], Awaitable[list[Delivery]]],
    *,
    client_id: str | None,
    order: _Order,
    limit: int,
) -> list[Delivery]:
    kept: list[Delivery] = []
    for first in range(0, PARTITIONS, _PARTITIONS_AT_ONCE):
        found = await asyncio.gather(*map(look, range(first, first + _PARTITIONS_AT_ONCE)))
        kept += [
            each
            for some in found
            for each in some
            if client_id in {None, each.client_id} and order.follows(each)
        ]
        kept = sorted(kept, key=order.key)[:limit]
    return kept


def _parsed(fields: list[bytes | None]) -> _Record | None:
    """A record in a list: one that cannot be read must not hide the others."""
    try:
        return _Record.parse(fields)
    except UnknownRecordFormat:
        return None


def _entry(member: bytes) -> _Entry | None:
    """One that was given up; likewise."""
    try:
        return msgspec.json.decode(member, type=_Entry)
    except (ValueError, RecursionError):
        return None


def _is_transaction_id(text: str) -> bool:
    try:
        return len(parse_base64url(text)) == _TRANSACTION_BYTES
    except MalformedEncodingError:
        return False
