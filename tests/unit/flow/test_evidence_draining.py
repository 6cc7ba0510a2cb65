"""Evidence from queue to file: killed anywhere, late, or without disk or key, nothing is lost."""

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ciba_service import ports
from ciba_service.flow.due.evidence_draining import CheckpointRule, EvidenceDrainer
from ciba_service.flow.due.store_time import StoreTime
from ciba_service.ports import (
    EvidenceBatch,
    JournalPosition,
    JournalUnavailable,
    QueuedRecord,
    RecordKey,
    Signer,
    SignerUnavailable,
    UnknownRecordFormat,
)
from ciba_service.protocol.security_events.kinds import EvidenceNotWritten
from ciba_service.sca.records.evidence_audit import AuditReport
from ciba_service.sca.records.evidence_chain import GENESIS, ChainHead
from ciba_service.stores.evidence.evidence_files import FileJournal, evidence_files
from ciba_service.stores.service_keys.key_files import FileSigner
from tests.evidence_chains import SIGNER, audit
from tests.fake_clock import FakeClock
from tests.services.recording_telemetry import RecordingTelemetry
from tests.unit.flow.wrong_clocks import Ahead, StoreClock
from tests.wire.signing import claims_of

BATCH = 64
LEASE_MS = 10_000
UNKNOWN = "of another release"


@dataclass
class Queue:
    """``ports.EvidenceQueue`` in memory: whoever comes gets the first records, unless ``held``."""

    waiting_records: dict[int, list[str]] = field(default_factory=dict)
    known: dict[int, ChainHead] = field(default_factory=dict)
    before_commit: Callable[[], None] = lambda: None
    claimed_at: list[int] = field(default_factory=list)
    held: set[int] = field(default_factory=set)

    def put(self, partition: int, *records: str) -> None:
        """Queue records."""
        self.waiting_records.setdefault(partition, []).extend(records)

    async def partitions(self) -> list[int]:
        """Where something waits."""
        return [partition for partition, each in self.waiting_records.items() if each]

    async def claim(self, partition: int, *, now: int) -> EvidenceBatch | None:
        """The first records."""
        self.claimed_at.append(now)
        if partition in self.held or not self.waiting_records[partition]:
            return None
        if UNKNOWN in self.waiting_records[partition]:
            raise UnknownRecordFormat("evidence has another format")
        records = tuple(
            QueuedRecord(text, RecordKey(text, "user", "sealed"))
            for text in self.waiting_records[partition][:BATCH]
        )
        return EvidenceBatch(
            partition,
            1,
            self.known.get(partition, GENESIS),
            records,
            until=now + LEASE_MS,
            is_full=len(records) == BATCH,
        )

    async def commit(self, batch: EvidenceBatch, head: ChainHead) -> bool:
        """Trim them, unless somebody else did."""
        self.before_commit()
        if self.known.get(batch.partition, GENESIS) != batch.head:
            return False
        del self.waiting_records[batch.partition][: len(batch.records)]
        self.known[batch.partition] = head
        return True

    async def heads(self) -> dict[int, ChainHead]:
        """How far each chain goes."""
        return self.known

    async def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self.waiting_records.values()))


class Clock(FakeClock):
    """Tells when somebody sleeps again."""

    def __init__(self) -> None:
        super().__init__()
        self._slept = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Tell, and wait."""
        self._slept.set()
        await super().sleep(seconds)

    async def is_slept_on(self) -> None:
        """Wait until somebody sleeps who did not before."""
        await self._slept.wait()
        self._slept.clear()


@dataclass
class Keys:
    """The one member of ``ports.KeyRing`` that is asked for."""

    evidence_signer: Signer | None = field(default_factory=lambda: FileSigner(SIGNER))


@dataclass
class Place:
    """A queue, a directory, and processes that work on them."""

    directory: Path
    queue: Queue = field(default_factory=Queue)
    keys: Keys = field(default_factory=Keys)
    clock: Clock = field(default_factory=Clock)
    telemetry: RecordingTelemetry = field(default_factory=RecordingTelemetry)

    def process(self, *, records: int = 1_000, clock: ports.Clock | None = None) -> EvidenceDrainer:
        """Another process, with a clock of its own if that is wrong."""
        clock = clock or self.clock
        return EvidenceDrainer(
            issuer="https://op.example",
            queue=self.queue,
            journal=FileJournal(self.directory, secrets.token_bytes),
            keys=self.keys,
            rule=CheckpointRule(records, 60),
            store_time=StoreTime(StoreClock(self.clock), clock),
            clock=clock,
            telemetry=self.telemetry,
        )

    def audited(self) -> AuditReport:
        """What an auditor says of the files."""
        files = evidence_files(self.directory)
        lines = [path.read_bytes().splitlines(keepends=True) for path in files]
        return audit(*lines, heads=self.queue.known)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty one."""
    return Place(tmp_path / "evidence")


async def test_everything_that_waits_is_written_in_its_order(place: Place):
    """Of every partition, also when there is more than fits a batch."""
    place.queue.put(7, *map(str, range(3 * BATCH)))
    place.queue.put(9, "a", "b")
    drainer = place.process(records=1)
    await drainer.drain()
    report = place.audited()
    assert (report.records, report.checkpoints, report.unsigned) == (3 * BATCH + 2, 3, 0)
    assert report.findings == ()
    assert place.queue.known[7].number == 3 * BATCH
    told = [event.fields["records"] for event in place.telemetry.named("evidence_signed")]
    assert told == [BATCH + 2, BATCH, BATCH]


async def test_what_waits_everywhere_is_written_a_part_at_a_time(place: Place):
    """One go over all partitions would hold every request up meanwhile."""
    for partition in range(256):
        place.queue.put(partition, "a")
    written: list[int] = []
    place.queue.before_commit = lambda: written.append(evidence_lines(place.directory))
    await place.process().drain()
    assert written == [32 * (commit // 32 + 1) for commit in range(256)]
    assert place.audited().records == 256


async def test_what_comes_meanwhile_waits_for_the_next_time(place: Place):
    """Records that come one by one are not written one by one, with a claim and a disk for each."""
    place.queue.put(7, "a")
    drainer = place.process()

    def arrive() -> None:
        place.queue.before_commit = lambda: None
        place.queue.put(7, "b")

    place.queue.before_commit = arrive
    await drainer.drain()
    assert (await place.queue.waiting(), place.audited().records) == (1, 1)
    await drainer.drain()
    assert (await place.queue.waiting(), place.audited().records) == (0, 2)


def evidence_lines(directory: Path) -> int:
    """How many are written so far."""
    return sum(len(path.read_bytes().splitlines()) for path in evidence_files(directory))


async def test_what_another_release_queued_holds_up_its_partition_alone(place: Place):
    """It waits for a process that knows its format, and the log says where."""
    place.queue.put(7, UNKNOWN)
    place.queue.put(9, "a")
    await place.process(records=1).drain()
    assert (await place.queue.waiting(), place.audited().records) == (1, 1)
    assert (await place.telemetry.failed("evidence_not_read")).fields["partition"] == 7


async def test_what_another_process_holds_is_left_to_it(place: Place):
    """Nothing is written until its lease is over."""
    place.queue.put(7, "a")
    place.queue.held.add(7)
    drainer = place.process()
    await drainer.drain()
    assert (await place.queue.waiting(), place.audited().records) == (1, 0)
    place.queue.held.clear()
    await drainer.drain()
    assert (await place.queue.waiting(), place.audited().records) == (0, 1)


class Killed(Exception):
    """The process is gone."""


async def test_a_process_that_dies_before_it_trims_leaves_no_second_record(place: Place):
    """The next one, here or elsewhere, writes the same lines, which are one record each."""
    place.queue.put(7, "a", "b")

    def die() -> None:
        raise Killed

    place.queue.before_commit = die
    with pytest.raises(Killed):
        await place.process().drain()
    place.queue.before_commit = lambda: None
    place.queue.put(7, "c")
    await place.process(records=1).drain()
    assert (place.audited().records, place.audited().findings) == (3, ())
    lines = evidence_files(place.directory)[0].read_bytes().splitlines()
    assert len(lines) == 4


async def test_a_process_that_lost_its_lease_writes_what_the_other_writes(place: Place):
    """Two that hold the same records leave one chain, also in directories of their own."""
    place.queue.put(7, "a", "b")
    other = Place(place.directory.parent / "other", queue=place.queue)
    second = other.process(records=1)
    overtaken: list[asyncio.Task[None]] = []

    async def overtake() -> None:
        place.queue.before_commit = lambda: None
        await second.drain()

    claim = place.queue.claim

    async def claim_and_wait(partition: int, *, now: int) -> EvidenceBatch | None:
        batch = await claim(partition, now=now)
        if not overtaken:
            overtaken.append(asyncio.current_task())  # type: ignore[arg-type]
            await overtake()
        return batch

    place.queue.claim = claim_and_wait  # type: ignore[method-assign]
    await place.process(records=1).drain()
    files = [*evidence_files(place.directory), *evidence_files(other.directory)]
    assert len(files) == 2
    lines = [path.read_bytes().splitlines(keepends=True) for path in files]
    report = audit(*lines, heads=place.queue.known)
    assert (report.records, report.findings) == (2, ())


async def test_a_process_whose_lease_is_over_writes_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """What it held was written long ago, and more than anybody remembers since."""
    place.queue.put(7, "a", "b")
    claim = place.queue.claim

    async def claim_and_sleep(partition: int, *, now: int) -> EvidenceBatch | None:
        monkeypatch.undo()
        batch = await claim(partition, now=now)
        place.queue.put(7, *map(str, range(1_000)))
        await place.process(records=1).drain()
        place.clock.advance(LEASE_MS / 1000)
        return batch

    monkeypatch.setattr(place.queue, "claim", claim_and_sleep)
    await place.process(records=1).drain()
    assert (place.audited().records, place.audited().findings) == (1_002, ())


async def test_a_lease_is_over_by_the_stores_time(place: Place):
    """A process that is an hour ahead writes what it holds; if it dies, nobody waits an hour."""
    place.queue.put(7, "a")
    await place.process(records=1, clock=Ahead(place.clock)).drain()
    assert place.queue.claimed_at == [place.clock.now_ms()]
    assert (place.audited().records, place.audited().checkpoints) == (1, 1)


async def test_a_checkpoint_is_signed_in_time(place: Place):
    """After so many records, or so many seconds since the first that is not signed."""
    drainer = place.process(records=3)
    for expected in (0, 0, 1, 1):
        place.queue.put(7, "record")
        await drainer.drain()
        assert place.audited().checkpoints == expected
    place.clock.advance(59)
    await drainer.drain()
    assert place.audited().checkpoints == 1
    place.clock.advance(1)
    await drainer.drain()
    assert place.audited().checkpoints == 2
    await drainer.drain()
    place.clock.advance(120)
    await drainer.drain()
    assert (place.audited().checkpoints, place.audited().findings) == (2, ())


async def test_a_checkpoint_says_when_it_was_made_and_by_whom(place: Place):
    """In seconds, as JWTs do (RFC 7519 2), and as the issuer."""
    place.queue.put(7, "a")
    await place.process(records=1).drain()
    (path,) = evidence_files(place.directory)
    checkpoint = json.loads(path.read_bytes().splitlines()[-1])["checkpoint"]
    claims = claims_of(checkpoint)
    assert (claims["iss"], claims["iat"]) == ("https://op.example", place.clock.now())


async def test_a_process_that_begins_signs_what_another_left(place: Place):
    """Its time counts from when it is seen."""
    place.queue.put(7, "a")
    await place.process().drain()
    drainer = place.process()
    await drainer.drain()
    place.clock.advance(60)
    await drainer.drain()
    assert place.audited().checkpoints == 1


async def test_checkpoints_come_about_while_another_always_writes(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """What it writes while a slow signer signs is behind the checkpoint."""
    place.queue.put(7, "a")
    other, drainer = place.process(), place.process(records=1)
    sign = FileSigner.signature
    others: list[asyncio.Task[None]] = []

    async def sign_late(signer: FileSigner, data: bytes) -> bytes:
        monkeypatch.setattr(FileSigner, "signature", sign)
        place.queue.put(9, "b")
        others.append(asyncio.create_task(other.drain()))
        await asyncio.wait(others, timeout=0.05)
        return await sign(signer, data)

    monkeypatch.setattr(FileSigner, "signature", sign_late)
    await drainer.drain()
    await asyncio.gather(*others)
    report = place.audited()
    assert (report.records, report.findings) == (2, ())
    (lines,) = (path.read_bytes().splitlines() for path in evidence_files(place.directory))
    assert lines[1].startswith(b'{"checkpoint"')


async def test_what_another_signed_first_is_not_signed_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """A process that finds everything signed when its turn comes writes nothing."""
    place.queue.put(7, "a")
    await place.process().drain()
    drainer, position = place.process(records=1), FileJournal.position

    async def and_another_signs(journal: FileJournal) -> JournalPosition:
        monkeypatch.setattr(FileJournal, "position", position)
        seen = await position(journal)
        await place.process(records=1).drain()
        return seen

    monkeypatch.setattr(FileJournal, "position", and_another_signs)
    await drainer.drain()
    assert (place.audited().checkpoints, place.audited().findings) == (1, ())
    assert len(place.telemetry.named("evidence_signed")) == 1


async def test_without_a_key_everything_is_written_and_the_lack_is_told(place: Place):
    """Once there is a key, it signs."""
    place.keys.evidence_signer = None
    place.queue.put(7, "a")
    drainer = place.process(records=1)
    with pytest.raises(SignerUnavailable):
        await drainer.drain()
    assert (await place.queue.waiting(), place.audited().records) == (0, 1)
    place.keys.evidence_signer = FileSigner(SIGNER)
    await drainer.drain()
    assert place.audited().findings == ()


async def test_a_failure_is_logged_once_and_nothing_is_lost(place: Place):
    """A directory that cannot be written: records wait; once it can be, they are written."""
    place.directory.write_text("a file")
    place.queue.put(7, "a")
    drainer = place.process(records=1)
    with pytest.raises(JournalUnavailable):
        await drainer.drain()
    task = asyncio.create_task(drainer.run())
    await place.telemetry.failed("evidence_not_written")
    await place.clock.is_slept_on()
    place.clock.advance(2)
    await place.clock.is_slept_on()
    assert len(place.telemetry.failures) == 1
    assert place.telemetry.security_events == [EvidenceNotWritten()]
    place.directory.unlink()
    place.clock.advance(2)
    await place.telemetry.seen("evidence_signed")
    task.cancel()
    assert (await place.queue.waiting(), place.audited().findings) == (0, ())
