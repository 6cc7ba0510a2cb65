"""The files of a journal: lines of evidence, and beside them the sealed keys of statements.

``evidence-<journal>-<number>.jsonl`` is only appended to, ``keys-<journal>-<number>.jsonl`` loses
the lines of whoever is erased. Processes on one directory take turns by a lock that ends with its
holder. What a process that was killed left of a line was never said to be written, and is cut off.
"""

import asyncio
import fcntl
import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from ciba_service.ports import (
    JournalEntry,
    JournalPosition,
    JournalUnavailable,
    Randomness,
)
from ciba_service.protocol.jose.encoding import parse_base64url
from ciba_service.sca.records.evidence_chain import (
    NOTHING,
    ChainLine,
    CheckpointClaims,
    CheckpointLine,
    NotCanonicalError,
    checkpoint_hash,
    encode_line,
    parse_line,
)
from ciba_service.stores.service_keys.ownership import hand_over

__all__ = ["FileJournal", "evidence_files", "key_files", "one_at_a_time", "sync"]

_T = TypeVar("_T")

_NAME: Final = re.compile(r"(?:evidence|keys)-[0-9a-f]{16}-[0-9]{8}\.jsonl", re.ASCII)
_LOCK_FILE: Final = "evidence.lock"
_FILE_BYTES: Final = 64 * 1024 * 1024
_JOURNAL_BYTES: Final = 8
# More than a batch of each partition: what may have been written and not been trimmed.
_REMEMBERED: Final = 256


def evidence_files(directory: Path) -> list[Path]:
    """Every file of the chain, in its order."""
    return _named(directory, "evidence")


def key_files(directory: Path) -> list[Path]:
    """Every file of sealed keys."""
    return _named(directory, "keys")


def is_key_file(path: Path) -> bool:
    """Whether it has sealed keys, and no evidence, by its name."""
    return path.name.startswith("keys-") and _NAME.fullmatch(path.name) is not None


def _named(directory: Path, kind: str) -> list[Path]:
    return sorted(path for path in directory.glob(f"{kind}-*.jsonl") if _NAME.fullmatch(path.name))


@contextmanager
def one_at_a_time(directory: Path) -> Iterator[None]:
    """Keep other processes from writing; raises ``OSError``."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    # What root hands over below must not be what a link leads to.
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(directory / _LOCK_FILE, flags, 0o600), "wb") as lock:
        hand_over(lock.fileno(), directory)
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sync(path: Path) -> None:
    """Let a file, or the names in a directory, outlive a power cut; raises ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass
class _Open:
    """The newest file, as far as it was read."""

    journal: str
    number: int
    bytes: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def name(self) -> str:
        return f"evidence-{self.journal}-{self.number:08}.jsonl"

    @property
    def keys_name(self) -> str:
        return f"keys-{self.journal}-{self.number:08}.jsonl"

    @classmethod
    def of(cls, path: Path) -> "_Open":
        _, journal, number = path.stem.split("-")
        return cls(journal, int(number))


class FileJournal:
    """``ports.EvidenceJournal`` on a directory of this host."""

    def __init__(
        self, directory: Path, random: Randomness, *, file_bytes: int = _FILE_BYTES
    ) -> None:
        self._directory = directory
        self._random = random
        self._file_bytes = file_bytes
        self._forget()

    async def append(
        self, entries: Sequence[JournalEntry], *, in_time: Callable[[], bool] = lambda: True
    ) -> bool:
        """Write what is not there yet, and wait until it is on the disk."""
        return await self._locked(lambda: self._append_in_time(entries, in_time))

    async def position(self) -> JournalPosition:
        """Where a checkpoint would stand."""
        return await self._locked(self._position)

    async def sign(
        self, checkpoint: Callable[[JournalPosition], Awaitable[str]]
    ) -> JournalPosition | None:
        """Write a checkpoint over what is there, which nobody adds to while it is made."""
        loop = asyncio.get_running_loop()

        async def made(position: JournalPosition) -> str:
            return await checkpoint(position)

        def awaited(position: JournalPosition) -> str:
            return asyncio.run_coroutine_threadsafe(made(position), loop).result()

        return await self._locked(lambda: self._sign(awaited))

    async def _locked(self, act: Callable[[], _T]) -> _T:
        return await asyncio.to_thread(self._alone, act)

    def _alone(self, act: Callable[[], _T]) -> _T:
        try:
            with one_at_a_time(self._directory):
                self._catch_up()
                return act()
        except OSError as error:
            raise JournalUnavailable(f"{self._directory}: {error.strerror}") from error

    def _forget(self) -> None:
        self._open: _Open | None = None
        self._checkpoints = 0
        self._previous = NOTHING
        self._unsigned = 0
        self._recent: defaultdict[int, dict[int, str]] = defaultdict(dict)

    def _append_in_time(self, entries: Sequence[JournalEntry], in_time: Callable[[], bool]) -> bool:
        if not in_time():
            return False
        self._append(entries)
        return True

    def _append(self, entries: Sequence[JournalEntry]) -> None:
        fresh = [entry for entry in entries if not self._is_there(entry.line)]
        if not fresh:
            if self._open is not None:
                # Whoever wrote them may have been ended before they were on the disk.
                sync(self._directory / self._open.name)
            return
        opened = self._writable()
        # First the keys: a record without its key would be as good as erased.
        _cut_half_line(self._directory / opened.keys_name)
        self._write(opened.keys_name, (msgspec.json.encode(entry.key) for entry in fresh))
        self._absorb(self._write(opened.name, (encode_line(entry.line) for entry in fresh)))

    def _is_there(self, line: ChainLine) -> bool:
        return self._recent[line.partition].get(line.number) == line.hash

    def _position(self) -> JournalPosition:
        opened = self._writable()
        return JournalPosition(
            journal=opened.journal,
            file=opened.name,
            bytes=opened.bytes,
            digest=opened.digest.hexdigest(),
            number=self._checkpoints + 1,
            previous=self._previous,
            unsigned=self._unsigned,
        )

    def _sign(self, checkpoint: Callable[[JournalPosition], str]) -> JournalPosition | None:
        position = self._position()
        if position.unsigned == 0:
            return None
        written = encode_line(CheckpointLine(checkpoint(position)))
        self._absorb(self._write(position.file, [written]))
        return position

    def _writable(self) -> _Open:
        """The newest file, or the next one when it is full and all of it is signed."""
        if self._open is None:
            self._open = _Open(self._random(_JOURNAL_BYTES).hex(), 1)
        elif self._open.bytes >= self._file_bytes and self._unsigned == 0:
            self._open = _Open(self._open.journal, self._open.number + 1)
        return self._open

    def _write(self, name: str, lines: Iterable[bytes]) -> bytes:
        written = b"".join(line + b"\n" for line in lines)
        path = self._directory / name
        is_new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(written)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            sync(self._directory)
        return written

    def _catch_up(self) -> None:
        """Read what others wrote; from the file before the newest when this process begins."""
        files = evidence_files(self._directory)
        if self._open is not None and not self._has_grown(files):
            self._forget()
        known = None if self._open is None else self._open.name
        following = [path for path in files if known is None or path.name >= known]
        for path in following if known else following[-2:]:
            self._read(path, is_newest=path == files[-1])

    def _has_grown(self, files: Sequence[Path]) -> bool:
        """Whether the file is there as it was left, or longer.

        The next one of a journal may not be begun yet; the first one of a journal that nobody has
        begun is forgotten, for another process may have begun one meanwhile.
        """
        opened = self._open
        if opened is None:
            return True
        sizes = [path.stat().st_size for path in files if path.name == opened.name]
        if not sizes:
            return opened.bytes == 0 and opened.number > 1
        return sizes[0] >= opened.bytes

    def _read(self, path: Path, *, is_newest: bool) -> None:
        if self._open is None or self._open.name != path.name:
            self._open = _Open.of(path)
        with path.open("rb") as file:
            file.seek(self._open.bytes)
            written = file.read()
        whole = written.rfind(b"\n") + 1
        if whole < len(written) and is_newest:
            os.truncate(path, self._open.bytes + whole)
        self._absorb(written[:whole])

    def _absorb(self, written: bytes) -> None:
        if self._open is None:
            raise AssertionError("a file is open")
        self._open.digest.update(written)
        self._open.bytes += len(written)
        for each in written.splitlines():
            try:
                self._note(parse_line(each))
            except NotCanonicalError:
                # Not written here. Who audits the file will be told where.
                continue

    def _note(self, line: ChainLine | CheckpointLine) -> None:
        if isinstance(line, ChainLine):
            self._unsigned += 1
            recent = self._recent[line.partition]
            recent[line.number] = line.hash
            if len(recent) > _REMEMBERED:
                del recent[min(recent)]
            return
        claims = _claims(line.checkpoint)
        self._unsigned, self._checkpoints = 0, claims.number
        self._previous = checkpoint_hash(line.checkpoint)


def _cut_half_line(path: Path) -> None:
    """Cut off what was left of a line, lest the next one is written behind it."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        last = max(0, file.seek(0, os.SEEK_END) - 1)
        file.seek(last)
        if file.read() not in {b"", b"\n"}:
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)


def _claims(checkpoint: str) -> CheckpointClaims:
    try:
        return msgspec.json.decode(parse_base64url(checkpoint.split(".")[1]), type=CheckpointClaims)
    except (ValueError, IndexError, RecursionError) as error:
        raise NotCanonicalError("it is no checkpoint") from error
