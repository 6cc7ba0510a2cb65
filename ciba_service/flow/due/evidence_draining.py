"""Evidence goes from the store into files, in its order, and checkpoints are signed over it.

Records are written before they are trimmed. What stands at a number of a chain is settled by the
queue, so that whoever is killed in between, or has just lost the lease, writes nothing that the
next one does not write to the letter. Whoever finds the lease over once it is the turn to write
leaves it: others may have written more since than is looked through for what is there already.
A lease is over by the store's time where the clock here is ahead of that: others would wait for a
process that is dead until theirs has caught up, and nothing is decided where too much waits.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ciba_service.flow.due.store_time import StoreTime
from ciba_service.flow.signing import signed
from ciba_service.ports import (
    Clock,
    EvidenceBatch,
    EvidenceJournal,
    EvidenceQueue,
    JournalEntry,
    JournalPosition,
    JournalUnavailable,
    KeyRing,
    SignerUnavailable,
    StoreUnavailable,
    Telemetry,
    UnknownRecordFormat,
)
from ciba_service.protocol.security_events.kinds import EvidenceNotWritten
from ciba_service.sca.records.evidence_chain import (
    CHECKPOINT_TYP,
    ChainHead,
    CheckpointClaims,
    chained,
)

__all__ = ["CheckpointRule", "EvidenceDrainer"]

_SWEEP_SECONDS: Final = 2.0
# What is done in one go holds requests up.
_PARTITIONS_AT_ONCE: Final = 32


@dataclass(frozen=True, slots=True)
class CheckpointRule:
    """When a checkpoint is due: after so many records, or seconds since the first of them."""

    records: int
    seconds: int


@dataclass(frozen=True, slots=True)
class _Written:
    batch: EvidenceBatch
    entries: tuple[JournalEntry, ...]

    @property
    def head(self) -> ChainHead:
        line = self.entries[-1].line
        return ChainHead(line.number, line.hash)


class EvidenceDrainer:
    """``run`` is one background task of a process."""

    def __init__(
        self,
        *,
        issuer: str,
        queue: EvidenceQueue,
        journal: EvidenceJournal,
        keys: KeyRing,
        rule: CheckpointRule,
        store_time: StoreTime,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._issuer = issuer
        self._queue = queue
        self._journal = journal
        self._keys = keys
        self._rule = rule
        self._store_time = store_time
        self._clock = clock
        self._telemetry = telemetry
        # What was there before this process may be unsigned.
        self._looks_at_journal = True
        self._unsigned_since: int | None = None

    async def run(self) -> None:
        """Drain until cancelled; a failure is logged once, until there is another or none."""
        said = None
        while True:
            try:
                await self.drain()
                said = None
            except (JournalUnavailable, SignerUnavailable, StoreUnavailable) as error:
                if str(error) != said:
                    said = str(error)
                    self._telemetry.failure("evidence_not_written", error)
                    self._telemetry.security_event(EvidenceNotWritten())
            await self._clock.sleep(_SWEEP_SECONDS)

    async def drain(self) -> None:
        """Write whatever waits, then sign if it is time.

        Raises:
            JournalUnavailable, SignerUnavailable, StoreUnavailable: nothing is lost; what was not
                written waits.
        """
        may_be_more = True
        while may_be_more:
            may_be_more = await self._write_first()
            # Also while it never ends: what is signed must not wait for a quiet moment.
            if self._looks_at_journal or self._unsigned_since is not None:
                await self._sign_if_due()

    async def _write_first(self) -> bool:
        """Write the first records of each partition; whether more were there already."""
        partitions = await self._queue.partitions()
        may_be_more = [
            await self._write_first_of(partitions[at : at + _PARTITIONS_AT_ONCE])
            for at in range(0, len(partitions), _PARTITIONS_AT_ONCE)
        ]
        return any(may_be_more)

    async def _write_first_of(self, partitions: Sequence[int]) -> bool:
        """The same of some partitions, in one go."""
        ahead = await self._store_time.ahead_ms()
        now = self._clock.now_ms() - ahead
        claimed = await asyncio.gather(*(self._claim(each, now) for each in partitions))
        written = [_chained(batch) for batch in claimed if batch is not None]
        if not written:
            return False
        until = min(each.batch.until for each in written)
        in_time = await self._journal.append(
            [entry for each in written for entry in each.entries],
            in_time=lambda: self._clock.now_ms() - ahead < until,
        )
        if not in_time:
            return True
        self._looks_at_journal = True
        await asyncio.gather(*(self._queue.commit(each.batch, each.head) for each in written))
        # What has come since waits for others to come: one that is written alone costs as much.
        return any(each.batch.is_full for each in written)

    async def _claim(self, partition: int, now: int) -> EvidenceBatch | None:
        try:
            return await self._queue.claim(partition, now=now)
        except UnknownRecordFormat as error:
            # Left for a process that knows the format; other partitions must not wait for it.
            self._telemetry.failure("evidence_not_read", error, partition=partition)
            return None

    async def _sign_if_due(self) -> None:
        position = await self._journal.position()
        self._looks_at_journal = False
        now = self._clock.now_ms()
        if position.unsigned == 0:
            self._unsigned_since = None
            return
        if self._unsigned_since is None:
            self._unsigned_since = now
        waited = now - self._unsigned_since
        if position.unsigned >= self._rule.records or waited >= self._rule.seconds * 1000:
            await self._sign(now)

    async def _sign(self, now: int) -> None:
        signer = self._keys.evidence_signer
        if signer is None:
            raise SignerUnavailable("there is no key for evidence")

        async def checkpoint(position: JournalPosition) -> str:
            claims = CheckpointClaims(
                iss=self._issuer,
                iat=now // 1000,
                journal=position.journal,
                number=position.number,
                previous=position.previous,
                bytes=position.bytes,
                digest=position.digest,
            )
            return await signed(signer, typ=CHECKPOINT_TYP, claims=claims)

        position = await self._journal.sign(checkpoint)
        self._unsigned_since = None
        if position is not None:
            self._telemetry.event(
                "evidence_signed", checkpoint=position.number, records=position.unsigned
            )


def _chained(batch: EvidenceBatch) -> _Written:
    lines = chained(batch.partition, batch.head, (each.record for each in batch.records))
    entries = zip(lines, batch.records, strict=True)
    return _Written(batch, tuple(JournalEntry(line, queued.key) for line, queued in entries))
