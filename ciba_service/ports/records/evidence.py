"""Evidence on its way: from the queues of the store into the files of a journal."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from ciba_service.sca.records.evidence_chain import ChainHead, ChainLine

__all__ = [
    "EvidenceBatch",
    "EvidenceJournal",
    "EvidenceQueue",
    "JournalEntry",
    "JournalPosition",
    "JournalUnavailable",
    "QueuedRecord",
    "RecordKey",
]


class RecordKey(msgspec.Struct, frozen=True):
    """The sealed key of one record's statement; ``user`` is the keyed tag to erase it by."""

    transaction_id: str
    user: str
    key: str

    def __repr__(self) -> str:
        return f"RecordKey({self.transaction_id!r}, ...)"


class QueuedRecord(msgspec.Struct, frozen=True):
    """A record as the deciding script queued it; what ``record`` says is never changed."""

    record: str
    key: RecordKey


@dataclass(frozen=True, slots=True)
class EvidenceBatch:
    """The first records of a queue, under a lease ``until`` then (milliseconds); after ``head``.

    When it ``is_full``, which is as many as are taken at once, more may wait.
    """

    partition: int
    fence: int
    head: ChainHead
    records: tuple[QueuedRecord, ...]
    until: int
    is_full: bool


class EvidenceQueue(Protocol):
    """Queues of evidence, one a partition, and how far each partition's chain goes."""

    async def partitions(self) -> Sequence[int]:
        """Where something waits."""
        ...

    async def claim(self, partition: int, *, now: int) -> EvidenceBatch | None:
        """Lease the first records; None when another has them, or there are none.

        Each lease that is taken has a higher fence than the one before.
        """
        ...

    async def commit(self, batch: EvidenceBatch, head: ChainHead) -> bool:
        """Trim the records and move on to ``head``, in one atomic step.

        False, and nothing is done, when the lease was taken over meanwhile.
        """
        ...

    async def heads(self) -> Mapping[int, ChainHead]:
        """How far each chain goes whose records were trimmed."""
        ...

    async def waiting(self) -> int:
        """How many records wait in all."""
        ...


class JournalUnavailable(Exception):
    """Nothing can be written; the text says why. What waits stays in the store."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A line of the chain and the key of its statement, which is kept elsewhere."""

    line: ChainLine
    key: RecordKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class JournalPosition:
    """Where the next checkpoint would stand, and what it would cover.

    ``unsigned`` records stand after the last checkpoint.
    """

    journal: str
    file: str
    bytes: int
    digest: str
    number: int
    previous: str
    unsigned: int


class EvidenceJournal(Protocol):
    """Files that are only appended to. Several processes may share a directory."""

    async def append(
        self, entries: Sequence[JournalEntry], *, in_time: Callable[[], bool] = lambda: True
    ) -> bool:
        """Write what is not there yet; durable on return. Raises ``JournalUnavailable``.

        False, and nothing is written, when it is not ``in_time`` any more once nobody else writes.
        """
        ...

    async def position(self) -> JournalPosition:
        """Where a checkpoint would stand now; raises ``JournalUnavailable``."""
        ...

    async def sign(
        self, checkpoint: Callable[[JournalPosition], Awaitable[str]]
    ) -> JournalPosition | None:
        """Write the checkpoint made for where it stands; None when all is signed already.

        Nobody else writes while it is made, so that it comes about however much is written.
        Durable on return. What ``checkpoint`` raises is raised.

        Raises:
            JournalUnavailable: when it cannot be written.
        """
        ...
