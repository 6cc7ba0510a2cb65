"""Pending transactions in Redis: those whose expiry is due work, which a decision takes away."""

import asyncio
from collections.abc import Sequence
from typing import Final

from ciba_service.ports import DueKind
from ciba_service.ports.asking.pending import PendingPlace
from ciba_service.stores.due.due import due_member
from ciba_service.stores.keys import PARTITIONS, due_key, partition_of
from ciba_service.stores.operations import Operations
from ciba_service.stores.sorted_pages import Scored, members_after

__all__ = ["RedisPendingTransactions"]

_PARTITIONS_AT_ONCE: Final = 32
_PREFIX: Final = due_member(DueKind.EXPIRE, "").encode()


class RedisPendingTransactions:
    """``ports.PendingTransactions`` on Redis; partitions are looked at a few at a time."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def after(self, place: PendingPlace | None, *, limit: int) -> Sequence[PendingPlace]:
        """Nothing is written for it: the index is there for expiry."""
        found: list[PendingPlace] = []
        first = 0 if place is None else partition_of(place.transaction_id)
        while first < PARTITIONS and len(found) < limit:
            last = min(first + _PARTITIONS_AT_ONCE, PARTITIONS)
            parts = await asyncio.gather(
                *(self._in(partition, place, limit) for partition in range(first, last))
            )
            found += [each for part in parts for each in part]
            first = last
        return found[:limit]

    async def _in(
        self, partition: int, place: PendingPlace | None, limit: int
    ) -> list[PendingPlace]:
        after: Scored | None = None
        if place is not None and partition == partition_of(place.transaction_id):
            after = (place.expires_at, _PREFIX + place.transaction_id.encode("ascii"))
        members = await members_after(
            self._operations, due_key(partition), after, limit=limit, prefix=_PREFIX
        )
        return [PendingPlace(at, member[len(_PREFIX) :].decode()) for at, member in members]
