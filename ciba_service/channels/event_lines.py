"""Security events as JSON lines: in a file of their own, or on standard output."""

import asyncio
import errno
import fcntl
import os
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from ciba_service.ports import EventsUnwritable
from ciba_service.protocol.security_events.record import SecurityEventRecord

__all__ = ["EventFile", "EventOutput"]

_OWN: Final = 0o600
_LOCK_ATTEMPTS: Final = 100
_LOCK_PAUSE: Final = 0.01
_ROOT: Final = 0
_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY


class EventFile:
    """``ports.EventSink`` on a file that is only appended to; several processes may share it.

    It is opened for each batch, so that whoever rotates it need tell nobody.
    """

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    async def write(self, records: Sequence[SecurityEventRecord]) -> int:
        """Append, all of it in one call; raises ``EventsUnwritable``."""
        await asyncio.to_thread(self.append, records)
        return 0

    def append(self, records: Sequence[SecurityEventRecord]) -> None:
        """The same, for whoever may wait for it; raises ``EventsUnwritable``."""
        lines = _lines(records)
        try:
            descriptor = os.open(self._path, _FLAGS | os.O_NONBLOCK, _OWN)
            try:
                self._prepare(descriptor)
                _write_whole(descriptor, lines)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise EventsUnwritable(f"{self._path} cannot be written: {error.strerror}") from error

    def _prepare(self, descriptor: int) -> None:
        """Refuse what others could read or what is no file; what root makes is the owner's."""
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise EventsUnwritable(f"{self._path} is no file")
        owner = self._path.parent.stat()
        if status.st_uid == os.geteuid() == _ROOT and owner.st_uid != _ROOT:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        if status.st_mode & 0o077:
            raise EventsUnwritable(f"{self._path} must not be accessible to others (chmod 600)")


class EventOutput:
    """``ports.EventSink`` on a stream, as standard output is one."""

    __slots__ = ("_stream",)

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    async def write(self, records: Sequence[SecurityEventRecord]) -> int:
        """Write and flush; raises ``EventsUnwritable``."""
        try:
            await asyncio.to_thread(self._write, _lines(records))
        except OSError as error:
            raise EventsUnwritable(f"the output cannot be written: {error.strerror}") from error
        return 0

    def _write(self, lines: bytes) -> None:
        self._stream.write(lines)
        self._stream.flush()


def _lines(records: Sequence[SecurityEventRecord]) -> bytes:
    return b"".join(record.encoded() + b"\n" for record in records)


def _lock(descriptor: int) -> None:
    """Wait a second at most; the lock is given back with the descriptor."""
    for _ in range(_LOCK_ATTEMPTS):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_LOCK_PAUSE)
    raise OSError(errno.EWOULDBLOCK, "somebody else holds its lock")


def _write_whole(descriptor: int, lines: bytes) -> None:
    """All or nothing: half a line would spoil the next one as well."""
    _lock(descriptor)
    before = os.fstat(descriptor).st_size
    if os.write(descriptor, lines) < len(lines):
        os.ftruncate(descriptor, before)
        raise OSError(errno.ENOSPC, "only a part could be written")
