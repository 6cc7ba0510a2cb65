"""Evidence found again in its files, and the keys of a person's statements erased from them."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from ciba_service.ports import RecordKey
from ciba_service.sca.records.evidence_chain import ChainLine, NotCanonicalError, parse_line
from ciba_service.stores.evidence.evidence_files import (
    evidence_files,
    key_files,
    one_at_a_time,
    sync,
)
from ciba_service.stores.evidence.evidence_seals import SealedEvidence, parse_record
from ciba_service.stores.service_keys.ownership import hand_over

__all__ = ["FoundEvidence", "erase_keys", "find_evidence"]


_COPY: Final = "."


class FoundEvidence(msgspec.Struct, frozen=True):
    """A record, where it stands, and the key of its statement unless that was erased."""

    file: str
    partition: int
    number: int
    record: SealedEvidence
    key: RecordKey | None


def find_evidence(directory: Path, transaction_id: str) -> FoundEvidence | None:
    """The record of a transaction; raises ``OSError``."""
    for path in evidence_files(directory):
        for line in _lines(path, transaction_id):
            found = _found(path, line, transaction_id)
            if found is not None:
                key = _key(directory, transaction_id)
                return msgspec.structs.replace(found, key=key)
    return None


def erase_keys(directory: Path, user: str) -> int:
    """Forget the keys of a user's statements; how many records that were. Raises ``OSError``.

    Files are replaced whole: who is ended in between leaves the old one or the new one.
    """
    erased: set[str] = set()
    if not directory.exists():  # It is made by whoever writes the first record.
        return 0
    with one_at_a_time(directory):
        # An erasure that was killed leaves a copy of the keys that it kept.
        for left in directory.glob(f"{_COPY}keys-*"):
            left.unlink()
        for path in key_files(directory):
            lines = path.read_bytes().splitlines(keepends=True)
            kept = [line for line in lines if not _belongs(line, user, erased)]
            if len(kept) < len(lines):
                _replace(path, b"".join(kept))
    return len(erased)


def _lines(path: Path, name: str) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from (line.rstrip(b"\n") for line in file if name.encode() in line)


def _found(path: Path, line: bytes, transaction_id: str) -> FoundEvidence | None:
    try:
        parsed = parse_line(line)
        if not isinstance(parsed, ChainLine):
            return None
        record = parse_record(parsed.record)
    except (NotCanonicalError, ValueError, RecursionError):
        return None
    if record.facts.transaction_id != transaction_id:
        return None
    return FoundEvidence(path.name, parsed.partition, parsed.number, record, None)


def _key(directory: Path, transaction_id: str) -> RecordKey | None:
    for path in key_files(directory):
        for line in _lines(path, transaction_id):
            key = _parsed(line)
            if key is not None and key.transaction_id == transaction_id:
                return key
    return None


def _parsed(line: bytes) -> RecordKey | None:
    try:
        return msgspec.json.decode(line, type=RecordKey)
    except (ValueError, RecursionError):
        return None


def _belongs(line: bytes, user: str, erased: set[str]) -> bool:
    key = _parsed(line)
    if key is None or key.user != user:
        return False
    erased.add(key.transaction_id)
    return True


def _replace(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{_COPY}{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            hand_over(file.fileno(), path.parent)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync(path.parent)
