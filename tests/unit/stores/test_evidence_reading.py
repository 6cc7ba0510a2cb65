"""Evidence found again: the right record and key, whatever else stands in the files."""

import os
import secrets
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ciba_service.ports import JournalEntry, QueuedRecord
from ciba_service.protocol.jose.encoding import base64url, parse_base64url
from ciba_service.sca.records.evidence import Evidence, Statement
from ciba_service.sca.records.evidence_chain import GENESIS, chained
from ciba_service.stores.evidence import evidence_reading
from ciba_service.stores.evidence.evidence_files import FileJournal, evidence_files, key_files
from ciba_service.stores.evidence.evidence_reading import erase_keys, find_evidence
from ciba_service.stores.evidence.evidence_seals import EvidenceSeals, parse_record
from ciba_service.stores.sealing import Sealer, SealingError
from tests.contracts.store_builders import RING, TRANSACTION, evidence, transaction_name

SOMEBODY = 65_534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
SEALS = EvidenceSeals(Sealer(RING, secrets.token_bytes))
SUBJECT = evidence().statement.subject


def entries(*closed: Evidence) -> list[JournalEntry]:
    """What is written of them."""
    queued = [msgspec.json.decode(SEALS.close(each), type=QueuedRecord) for each in closed]
    lines = chained(0, GENESIS, (each.record for each in queued))
    return [JournalEntry(line, each.key) for line, each in zip(lines, queued, strict=True)]


async def written(directory: Path, *names: str) -> None:
    """Records of these transactions."""
    journal = FileJournal(directory, secrets.token_bytes)
    await journal.append(entries(*map(evidence, names)))


def held(directory: Path) -> dict[str, bytes]:
    """Every file."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def add(path: Path, *lines: bytes) -> None:
    """Put lines before what is there."""
    path.write_bytes(b"".join(line + b"\n" for line in lines) + path.read_bytes())


def test_a_record_is_what_its_format_says():
    """Whoever has ring and files can open them without this program (docs/evidence.md)."""
    sealer = Sealer(RING, secrets.token_bytes)
    queued = msgspec.json.decode(SEALS.close(evidence()), type=QueuedRecord)
    record = parse_record(queued.record)
    assert record.user == queued.key.user == sealer.keyed_hash("evidence-user", SUBJECT)
    sealed = parse_base64url(queued.key.key)
    key = sealer.open(sealed, key="evidence", name=TRANSACTION, owner=record.user)
    bound = b"ciba-evidence.v1\0" + TRANSACTION.encode()
    statement = AESGCM(key).decrypt(bytes(12), parse_base64url(record.statement), bound)
    assert msgspec.json.decode(statement, type=Statement) == evidence().statement


async def test_a_changed_statement_does_not_open(tmp_path: Path):
    """Also under its own key."""
    await written(tmp_path, TRANSACTION)
    found = find_evidence(tmp_path, TRANSACTION)
    assert found is not None
    assert found.key is not None
    closed = bytearray(parse_base64url(found.record.statement))
    closed[0] ^= 1
    changed = msgspec.structs.replace(found.record, statement=base64url(closed))
    with pytest.raises(SealingError):
        SEALS.open(changed, found.key)


async def test_foreign_lines_are_passed_over(tmp_path: Path):
    """A line that only speaks of the transaction is not its record, nor its key."""
    other = transaction_name(1)
    await written(tmp_path, other, TRANSACTION)
    name = TRANSACTION.encode()
    mention = chained(0, GENESIS, [TRANSACTION, f'{{"v":2,"x":"{TRANSACTION}"}}'])
    mentions = [msgspec.json.encode(line) for line in mention]
    (file,), (keys,) = evidence_files(tmp_path), key_files(tmp_path)
    add(file, name, b'{"checkpoint":"' + name + b'"}', *mentions)
    add(keys, name, b'{"transaction_id":"other","user":"' + name + b'","key":""}')
    found = find_evidence(tmp_path, TRANSACTION)
    assert found is not None
    assert found.key is not None
    assert (found.record.facts.transaction_id, found.number) == (TRANSACTION, 2)
    assert SEALS.open(found.record, found.key) == evidence().statement
    assert find_evidence(tmp_path, "nothing") is None
    of_other = find_evidence(tmp_path, other)
    assert of_other is not None
    with pytest.raises(SealingError):
        SEALS.open(found.record, msgspec.structs.replace(found.key, key="no base64url!"))
    with pytest.raises(SealingError):
        SEALS.open(of_other.record, found.key)


async def test_a_record_that_names_another_transaction_is_not_it(tmp_path: Path):
    """Also when it mentions this one."""
    await written(tmp_path, transaction_name(1))
    (file,) = evidence_files(tmp_path)
    file.write_bytes(
        file.read_bytes().replace(b'\\"user\\":\\"', b'\\"user\\":\\"' + TRANSACTION.encode())
    )
    assert find_evidence(tmp_path, TRANSACTION) is None


async def test_an_erasure_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A full disk leaves the keys as they were, and nothing beside them."""
    await written(tmp_path, TRANSACTION)
    before = held(tmp_path)

    def fail(_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(evidence_reading.os, "fsync", fail)
        with pytest.raises(OSError, match="No space"):
            erase_keys(tmp_path, SEALS.tag(SUBJECT))
    assert held(tmp_path) == before
    assert erase_keys(tmp_path, SEALS.tag(SUBJECT)) == 1
    assert key_files(tmp_path)[0].read_bytes() == b""


async def test_what_a_killed_erasure_left_is_erased_as_well(tmp_path: Path):
    """It had a copy of the keys that it was to keep, those of others."""
    await written(tmp_path, TRANSACTION)
    (path,) = key_files(tmp_path)
    left = tmp_path / f".{path.name}.x1y2z3"
    left.write_bytes(path.read_bytes())
    assert erase_keys(tmp_path, SEALS.tag(SUBJECT)) == 1
    assert left.name not in held(tmp_path)


@as_root
async def test_an_erasure_by_root_takes_no_file_away_from_the_service(tmp_path: Path):
    """The service of another user goes on writing: keys, evidence and the lock are its own."""
    await written(tmp_path, TRANSACTION)
    (tmp_path / "evidence.lock").unlink()
    for name in (".", *held(tmp_path)):
        os.chown(tmp_path / name, SOMEBODY, SOMEBODY)
    assert erase_keys(tmp_path, SEALS.tag(SUBJECT)) == 1
    assert {(tmp_path / name).stat().st_uid for name in held(tmp_path)} == {SOMEBODY}


async def test_an_erasure_takes_nothing_from_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Their keys are whole, and on the disk before the file with all of them is gone."""
    of_bob = [
        msgspec.structs.replace(
            each, statement=msgspec.structs.replace(each.statement, subject="bob")
        )
        for each in map(evidence, map(transaction_name, (1, 2)))
    ]
    all_of_them = entries(of_bob[0], evidence(), of_bob[1])
    await FileJournal(tmp_path, secrets.token_bytes).append(all_of_them)
    (keys,) = key_files(tmp_path)
    synced: list[tuple[str, int]] = []

    def fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_file():
            assert (path.parent, keys.read_bytes().count(b"\n")) == (tmp_path, 3)
            synced.append((path.name[:6], path.read_bytes().count(b"\n")))
        else:
            assert (path, keys.read_bytes().count(b"\n")) == (tmp_path, 2)
            synced.append(("directory", 0))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        assert erase_keys(tmp_path, SEALS.tag(SUBJECT)) == 1
    assert synced == [(".keys-", 2), ("directory", 0)]
    for entry, each in zip((all_of_them[0], all_of_them[2]), of_bob, strict=True):
        found = find_evidence(tmp_path, entry.key.transaction_id)
        assert found is not None
        assert found.key is not None
        assert SEALS.open(found.record, found.key) == each.statement
    assert erase_keys(tmp_path, SEALS.tag("bob")) == 2


async def test_after_an_erasure_evidence_is_kept_as_before(tmp_path: Path):
    """Also when there was nobody else's."""
    journal = FileJournal(tmp_path, secrets.token_bytes)
    both = entries(evidence(TRANSACTION), evidence(transaction_name(1)))
    await journal.append(both[:1])
    assert erase_keys(tmp_path, SEALS.tag(SUBJECT)) == 1
    (keys,) = key_files(tmp_path)
    assert keys.read_bytes() == b""
    await journal.append(both)
    kept = find_evidence(tmp_path, transaction_name(1))
    assert kept is not None
    assert kept.key == both[1].key
    erased = find_evidence(tmp_path, TRANSACTION)
    assert erased is not None
    assert erased.key is None


def test_where_there_is_no_evidence_nothing_is_made(tmp_path: Path):
    """A directory that a command made might not be the service's."""
    assert erase_keys(tmp_path / "evidence", SEALS.tag(SUBJECT)) == 0
    assert list(tmp_path.iterdir()) == []


@as_root
async def test_root_gives_nothing_away_that_a_link_leads_to(tmp_path: Path):
    """Else whoever owns the directory could have any file of the host."""
    directory, target = tmp_path / "evidence", tmp_path / "of-root"
    target.write_bytes(b"")
    await written(directory, TRANSACTION)
    (directory / "evidence.lock").unlink()
    (directory / "evidence.lock").symlink_to(target)
    os.chown(directory, SOMEBODY, SOMEBODY)
    with pytest.raises(OSError, match="Too many levels"):
        erase_keys(directory, SEALS.tag(SUBJECT))
    assert target.stat().st_uid == 0


def test_what_is_kept_shows_no_key_of_itself():
    """A key in a log line would open a statement."""
    queued = msgspec.json.decode(SEALS.close(evidence()), type=QueuedRecord)
    assert queued.key.key not in repr(queued)
