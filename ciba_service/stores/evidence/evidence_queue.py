"""Queues of evidence in Redis: a list a partition, and beside it how far its chain goes."""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from ciba_service.ports import (
    EvidenceBatch,
    QueuedRecord,
    StoreUnavailable,
    UnknownRecordFormat,
)
from ciba_service.sca.records.evidence_chain import GENESIS, ChainHead
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import PARTITIONS, chain_key, evidence_key
from ciba_service.stores.operations import Operations

__all__ = ["RedisEvidence"]

_LEASE_MS: Final = 10_000
_BATCH: Final = 16

_QUEUES: Final = tuple(map(evidence_key, range(PARTITIONS)))
_CLAIM: Final = Script.load("claim_evidence", durable=True)
_COMMIT: Final = Script.load("commit_evidence")
_COUNT: Final = Script.load("count_evidence")


class RedisEvidence:
    """``ports.EvidenceQueue`` on Redis."""

    __slots__ = ("_new_operation", "_operations")

    def __init__(self, operations: Operations, new_operation: Callable[[], str]) -> None:
        self._operations = operations
        self._new_operation = new_operation

    async def partitions(self) -> list[int]:
        """Where something waits, as far as the store answers; one round trip."""
        return [partition for partition, length in enumerate(await self._lengths()) if length]

    async def waiting(self) -> int:
        """How many records wait in all; one round trip."""
        lengths = await self._lengths()
        known = [length for length in lengths if length is not None]
        if len(known) < len(lengths):
            raise StoreUnavailable("a part of the store does not answer")
        return sum(known)

    async def claim(self, partition: int, *, now: int) -> EvidenceBatch | None:
        """Lease the first records for ten seconds.

        Raises:
            UnknownRecordFormat: when one of them was queued by a newer service.
        """
        until = now + _LEASE_MS
        reply = await self._operations.evaluate(
            _CLAIM,
            [evidence_key(partition), chain_key(partition)],
            [self._new_operation(), now, until, _BATCH],
        )
        if not reply:
            return None
        fence, number, digest, *queued = reply
        try:
            records = tuple(msgspec.json.decode(each, type=QueuedRecord) for each in queued)
        except (ValueError, RecursionError) as error:
            raise UnknownRecordFormat("evidence has another format") from error
        return EvidenceBatch(
            partition,
            int(fence),
            _head(number, digest),
            records,
            until,
            is_full=len(records) == _BATCH,
        )

    async def commit(self, batch: EvidenceBatch, head: ChainHead) -> bool:
        """Trim the records, unless the lease was taken over."""
        committed = await self._operations.evaluate(
            _COMMIT,
            [evidence_key(batch.partition), chain_key(batch.partition)],
            [batch.fence, batch.head.number, len(batch.records), head.number, head.hash],
        )
        return bool(committed)

    async def heads(self) -> dict[int, ChainHead]:
        """How far each chain goes; one round trip."""
        found = await asyncio.gather(
            *(
                self._operations.call("HMGET", chain_key(partition), "n", "h")
                for partition in range(PARTITIONS)
            )
        )
        return {
            partition: _head(number, digest)
            for partition, (number, digest) in enumerate(found)
            if number
        }

    async def _lengths(self) -> list[int | None]:
        return await self._operations.evaluate_each(_COUNT, _QUEUES, [])


def _head(number: bytes, digest: bytes) -> ChainHead:
    return ChainHead(int(number), digest.decode()) if number else GENESIS
