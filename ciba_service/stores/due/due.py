"""Due work in Redis: a sorted set a partition, claimed with a lease."""

from collections.abc import Callable
from typing import Final

from ciba_service.ports import LEASE_MS, DueKind, DueWork
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import PARTITIONS, claim_key, due_key, partition_of
from ciba_service.stores.operations import Operations

__all__ = ["LEASE_MS", "RedisDueWork", "due_member"]

_KEYS: Final = tuple(map(due_key, range(PARTITIONS)))
_CLAIM: Final = Script.load("claim_due", durable=True)
_COUNT: Final = Script.load("count_due")
_EXTEND: Final = Script.load("extend_due")
_FINISH: Final = Script.load("finish_due")


def due_member(kind: DueKind, transaction_id: str) -> str:
    """How a piece of work is called in the sorted set."""
    return f"{kind}:{transaction_id}"


class RedisDueWork:
    """``ports.DueStore`` on Redis."""

    __slots__ = ("_new_operation", "_operations")

    def __init__(self, operations: Operations, new_operation: Callable[[], str]) -> None:
        self._operations = operations
        self._new_operation = new_operation

    async def add(self, kind: DueKind, transaction_id: str, *, at: int) -> None:
        """One command; done again, it leaves what is there."""
        key = due_key(partition_of(transaction_id))
        await self._operations.call("ZADD", key, "NX", at, due_member(kind, transaction_id))

    async def claim(self, partition: int, *, now: int, limit: int) -> list[DueWork]:
        """Lease what is due for ten seconds."""
        lease_until = now + LEASE_MS
        members = await self._operations.evaluate(
            _CLAIM,
            [due_key(partition), claim_key(partition, self._new_operation())],
            [now, limit, lease_until, LEASE_MS],
        )
        return [_work(member.decode(), lease_until) for member in members]

    async def extend(self, work: DueWork, *, until: int) -> bool:
        """Hold the lease for longer."""
        extended = await self._operations.evaluate(
            _EXTEND,
            [due_key(partition_of(work.transaction_id))],
            [due_member(work.kind, work.transaction_id), work.lease_until, until],
        )
        return bool(extended)

    async def finish(self, work: DueWork) -> None:
        """Forget it unless it was leased anew."""
        await self._operations.evaluate(
            _FINISH,
            [due_key(partition_of(work.transaction_id))],
            [due_member(work.kind, work.transaction_id), work.lease_until],
        )

    async def partitions_with_work(self, *, now: int) -> list[int]:
        """Where something is due, as far as the store answers; one round trip."""
        counts = await self._operations.evaluate_each(_COUNT, _KEYS, [now])
        return [partition for partition, count in enumerate(counts) if count]


def _work(member: str, lease_until: int) -> DueWork:
    kind, _, transaction_id = member.partition(":")
    return DueWork(DueKind(kind), transaction_id, lease_until)
