"""The files of a journal: whole lines, once, whoever writes and whoever is killed."""

import asyncio
import os
import secrets
from pathlib import Path

import msgspec
import pytest

from ciba_service.ports import JournalEntry, JournalPosition, JournalUnavailable, RecordKey
from ciba_service.sca.records.evidence_chain import (
    CHECKPOINT_TYP,
    GENESIS,
    ChainHead,
    CheckpointClaims,
    chained,
)
from ciba_service.stores.evidence.evidence_files import FileJournal, evidence_files, key_files
from tests.evidence_chains import SIGNER, audit


def entries(*records: str, head: ChainHead = GENESIS) -> list[JournalEntry]:
    """Lines of one partition."""
    return [
        JournalEntry(line, RecordKey(line.record, "user", "sealed"))
        for line in chained(7, head, records)
    ]


def head_of(written: list[JournalEntry]) -> ChainHead:
    """Where the next line follows."""
    return ChainHead(written[-1].line.number, written[-1].line.hash)


async def checkpoint(position: JournalPosition) -> str:
    """A signature over what stands before the position."""
    claims = CheckpointClaims(
        "https://op.example",
        1,
        position.journal,
        position.number,
        position.previous,
        position.bytes,
        position.digest,
    )
    return SIGNER.sign(typ=CHECKPOINT_TYP, claims=claims)


async def signed(journal: FileJournal) -> bool:
    """Sign what is there."""
    return await journal.sign(checkpoint) is not None


def journal_in(directory: Path, *, file_bytes: int = 1 << 20) -> FileJournal:
    """As a process opens it."""
    return FileJournal(directory / "evidence", secrets.token_bytes, file_bytes=file_bytes)


def lines_in(directory: Path) -> list[list[bytes]]:
    """The lines of every file."""
    files = evidence_files(directory / "evidence")
    return [path.read_bytes().splitlines(keepends=True) for path in files]


@pytest.mark.clause("fapi2-ms-7-1")
async def test_what_was_written_is_there_and_private(tmp_path: Path):
    """Records and keys stand in files of their own that nobody else may read."""
    journal, written = journal_in(tmp_path), entries("a", "b")
    await journal.append(written)
    assert await signed(journal)
    report = audit(*lines_in(tmp_path))
    assert (report.records, report.checkpoints, report.findings) == (2, 1, ())
    (keys,) = key_files(tmp_path / "evidence")
    assert keys.read_bytes().count(b"sealed") == 2
    modes = {path.stat().st_mode & 0o077 for path in evidence_files(tmp_path / "evidence")}
    assert {keys.stat().st_mode & 0o077, (tmp_path / "evidence").stat().st_mode & 0o077} == {0}
    assert modes == {0}


async def test_what_is_said_to_be_written_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Keys before records, each whole, and their names; also what a killed process had written."""
    synced: list[tuple[str, int]] = []

    def fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((path.name, path.read_bytes().count(b"\n") if path.is_file() else 0))

    monkeypatch.setattr(os, "fsync", fsync)
    written = entries("a", "b")
    await journal_in(tmp_path).append(written[:1])
    (path,), (keys,) = evidence_files(tmp_path / "evidence"), key_files(tmp_path / "evidence")
    named = ("evidence", 0)
    assert synced == [(keys.name, 1), named, (path.name, 1), named]
    synced.clear()
    await journal_in(tmp_path).append(written[:1])
    assert synced == [(path.name, 1)]
    synced.clear()
    await journal_in(tmp_path).append(written)
    assert synced == [(keys.name, 2), (path.name, 2)]


async def test_what_comes_too_late_is_not_written_and_not_said_to_be(tmp_path: Path):
    """It is another process's by then."""
    journal = journal_in(tmp_path)
    assert not await journal.append(entries("a"), in_time=lambda: False)
    assert lines_in(tmp_path) == []
    assert await journal.append(entries("a"), in_time=lambda: True)
    assert [len(lines) for lines in lines_in(tmp_path)] == [1]


async def test_what_is_there_is_not_written_again(tmp_path: Path):
    """By the same process, by another beside it, and by one that takes over."""
    first, second, written = journal_in(tmp_path), journal_in(tmp_path), entries("a", "b")
    await first.append(written)
    await first.append(written)
    await second.append(written)
    more = entries("c", head=head_of(written))
    await second.append([*written, *more])
    await first.append(more)
    assert await signed(first)
    await journal_in(tmp_path).append([*written, *more])
    report = audit(*lines_in(tmp_path))
    assert (report.records, report.findings) == (3, ())
    assert [len(lines) for lines in lines_in(tmp_path)] == [4]


async def test_processes_that_begin_together_begin_one_journal(tmp_path: Path):
    """Whoever only looked first goes on where the other began."""
    for number in range(8):  # journals are named by chance
        directory = tmp_path / str(number)
        first, second, written = journal_in(directory), journal_in(directory), entries("a")
        assert (await first.position()).unsigned == 0
        await second.append(written)
        await first.append(entries("b", head=head_of(written)))
        assert await signed(first)
        assert [len(lines) for lines in lines_in(directory)] == [3]


async def test_files_of_another_name_are_left_alone(tmp_path: Path):
    """A copy that somebody put beside them stops nothing."""
    journal = journal_in(tmp_path)
    await journal.append(entries("a"))
    (path,) = evidence_files(tmp_path / "evidence")
    path.with_name("evidence-zz-copy.jsonl").write_bytes(path.read_bytes())
    await journal_in(tmp_path).append(entries("a"))
    assert evidence_files(tmp_path / "evidence") == [path]


@pytest.mark.parametrize("left", range(1, 40, 7))
async def test_half_a_line_of_a_killed_process_is_cut_off(tmp_path: Path, left: int):
    """It was never said to be written; whoever comes next writes it whole."""
    written = entries("a", "b")
    await journal_in(tmp_path).append(written)
    (path,) = evidence_files(tmp_path / "evidence")
    whole = path.read_bytes()
    path.write_bytes(whole[:-left])
    journal = journal_in(tmp_path)
    await journal.append(written)
    assert path.read_bytes() == whole
    assert await signed(journal)
    assert audit(*lines_in(tmp_path)).findings == ()


@pytest.mark.parametrize("left", [1, 5, 40])
async def test_half_a_key_of_a_killed_process_spoils_no_other(tmp_path: Path, left: int):
    """Keys come first, so that it was ended before the record was written; both come again."""
    written = entries("a", "b", "c")
    await journal_in(tmp_path).append(written[:1])
    (path,), (keys,) = evidence_files(tmp_path / "evidence"), key_files(tmp_path / "evidence")
    before = path.read_bytes()
    await journal_in(tmp_path).append(written[1:2])
    path.write_bytes(before)
    keys.write_bytes(keys.read_bytes()[:-left])
    await journal_in(tmp_path).append(written[1:])
    found = [msgspec.json.decode(line, type=RecordKey) for line in keys.read_bytes().splitlines()]
    assert found == [each.key for each in written]


async def test_nobody_writes_while_a_checkpoint_is_made(tmp_path: Path):
    """Another process waits, so that what is signed always stands directly before it."""
    first, second, written = journal_in(tmp_path), journal_in(tmp_path), entries("a")
    await first.append(written)
    others: list[asyncio.Task[None]] = []

    async def made_meanwhile(position: JournalPosition) -> str:
        more = entries("b", head=head_of(written))
        others.append(asyncio.create_task(second.append(more)))
        done, _ = await asyncio.wait(others, timeout=0.05)
        assert not done
        return await checkpoint(position)

    position = await first.sign(made_meanwhile)
    assert position is not None
    assert position.unsigned == 1
    await asyncio.gather(*others)
    assert [line.startswith(b'{"checkpoint"') for line in lines_in(tmp_path)[0]] == [
        False,
        True,
        False,
    ]
    assert await signed(first)
    assert not await signed(second)
    assert (await journal_in(tmp_path).position()).unsigned == 0
    report = audit(*lines_in(tmp_path))
    assert (report.checkpoints, report.findings) == (2, ())


async def test_a_full_file_is_followed_by_another_once_it_is_signed(tmp_path: Path):
    """Chains, checkpoints and numbers go on there, also for a process that begins then."""
    first, written = journal_in(tmp_path, file_bytes=1), entries("a")
    second = journal_in(tmp_path, file_bytes=1)
    await first.append(written)
    more = entries("b", head=head_of(written))
    await second.append(more)
    assert await signed(second)
    await first.append([*more, *entries("c", head=head_of(more))])
    assert await signed(second)
    await journal_in(tmp_path, file_bytes=1).append(entries("c", head=head_of(more)))
    report = audit(*lines_in(tmp_path))
    assert (report.records, report.checkpoints, report.unsigned) == (3, 2, 0)
    assert report.findings == ()
    assert [len(lines) for lines in lines_in(tmp_path)] == [3, 2]
    numbers = [path.stem.split("-")[2] for path in evidence_files(tmp_path / "evidence")]
    assert numbers == ["00000001", "00000002"]


async def test_who_begins_in_a_new_file_knows_what_stands_before_it(tmp_path: Path):
    """Neither is a record written twice nor the checkpoints numbered from 1 again."""
    first, written = journal_in(tmp_path, file_bytes=1), entries("a")
    await first.append(written)
    assert await signed(first)
    more = entries("b", head=head_of(written))
    await first.append(more)
    later = journal_in(tmp_path, file_bytes=1)
    await later.append([*written, *more])
    assert await signed(later)
    report = audit(*lines_in(tmp_path))
    assert (report.records, report.checkpoints, report.findings) == (2, 2, ())
    assert [len(lines) for lines in lines_in(tmp_path)] == [2, 2]


async def test_of_very_many_records_the_last_are_remembered(tmp_path: Path):
    """They come again when a process is ended before they have left the store."""
    journal, written = journal_in(tmp_path), entries(*map(str, range(258)))
    await journal.append(written)
    await journal.append(written[-16:])
    assert [len(lines) for lines in lines_in(tmp_path)] == [258]


async def test_a_file_that_was_shortened_is_read_anew(tmp_path: Path):
    """The service goes on behind it; what is missing shows when the files are verified."""
    journal, written = journal_in(tmp_path), entries("a", "b")
    await journal.append(written)
    (path,) = evidence_files(tmp_path / "evidence")
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    await journal.append(entries("c", head=head_of(written)))
    assert await signed(journal)
    (finding,) = audit(*lines_in(tmp_path)).findings
    assert finding.text == "record 2 missing"
    path.unlink()
    await journal.append(written)
    assert len(lines_in(tmp_path)) == 1


async def test_what_was_not_written_here_is_left_alone(tmp_path: Path):
    """Foreign lines stop nobody from keeping evidence; they show when the files are verified."""
    journal, written = journal_in(tmp_path), entries("a")
    await journal.append(written)
    (path,) = evidence_files(tmp_path / "evidence")
    with path.open("ab") as file:
        file.write(b'foreign\n{"checkpoint":"no jws"}\n{"checkpoint":"a.b.c"}\n')
    more = entries("b", head=head_of(written))
    await journal.append(more)
    await journal_in(tmp_path).append([*written, *more])
    assert await signed(journal)
    texts = [finding.text for finding in audit(*lines_in(tmp_path)).findings]
    unsigned = "the checkpoint is not signed by a key that is known"
    assert texts == ["it is no line of evidence", unsigned, unsigned]


async def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path):
    """The reason stands in the error."""
    (tmp_path / "evidence").write_text("a file")
    with pytest.raises(JournalUnavailable, match="File exists"):
        await journal_in(tmp_path).append(entries("a"))
