"""Files that hold private keys: read strictly, replaced whole, changed by one process at a time.

Whoever can put a file in their place has the service's keys: they are read only where nobody else
can, and as what they must be: files, of a size that keys have, that belong to whom they should.
"""

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ciba_service.stores.service_keys.ownership import hand_over

__all__ = [
    "KeyFileError",
    "MissingKeysError",
    "is_there",
    "locked",
    "read_private",
    "write_private",
]

_MOST_BYTES: Final = 1 << 20
_LOCK_FILE: Final = "making.lock"
_OWN: Final = 0o600
_OWN_DIRECTORY: Final = 0o700
_ROOT: Final = 0


class KeyFileError(Exception):
    """The keys cannot be used; the text names the file and the reason."""


class MissingKeysError(KeyFileError):
    """There are no keys, or not all; they can be made."""


def is_there(path: Path) -> bool:
    """Whether there is such a file; raises ``KeyFileError`` when that cannot be seen."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error
    return True


def read_private(path: Path) -> bytes:
    """The whole file; raises ``KeyFileError`` also when others may read or replace it."""
    try:
        directory = path.parent.stat()
        # A pipe must not keep us waiting; whatever is no file is refused below.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            _refuse_open_directory(path.parent, directory)
            _refuse_unsafe(path, status, directory)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(_MOST_BYTES + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise MissingKeysError(f"{path} cannot be read: {error.strerror}") from error
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > _MOST_BYTES:
        raise KeyFileError(f"{path} is too large for a file of keys")
    return content


def write_private(path: Path, content: bytes) -> None:
    """Replace the file, whole or not at all, and never readable by others.

    Raises:
        KeyFileError: when a link stands there: others read what it leads to.
        OSError: when it cannot be written.
    """
    if path.is_symlink():
        raise KeyFileError(f"{path} is a link; change the keys in the directory it leads to")
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
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
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Wait for the right to change the files; it ends with the process, however that ends.

    Raises:
        KeyFileError: when others may write to the directory.
        OSError: when the directory cannot be made or written.
    """
    directory.mkdir(mode=_OWN_DIRECTORY, parents=True, exist_ok=True)
    _refuse_open_directory(directory, directory.stat())
    descriptor = os.open(
        directory / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _OWN
    )
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            os.fchmod(descriptor, _OWN)  # Whoever can open it can hold it for ever.
        hand_over(descriptor, directory)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _refuse_open_directory(directory: Path, status: os.stat_result) -> None:
    others_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if others_write and not status.st_mode & stat.S_ISVTX:
        raise KeyFileError(f"{directory} must not be writable to others (chmod go-w)")


def _refuse_unsafe(path: Path, status: os.stat_result, directory: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError(f"{path} is no file")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise KeyFileError(f"{path} must not be accessible to others (chmod 600)")
    if status.st_uid not in {_ROOT, os.geteuid(), directory.st_uid}:
        raise KeyFileError(f"{path} belongs to somebody else (chown)")
