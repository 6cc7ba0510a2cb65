"""Private files: only the owner may read them, and a crash leaves the old or the new one whole."""

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from authenticator_sim.errors import KeystoreRefused

__all__ = ["exclusive", "private_directory", "read_private", "write_private"]

_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600


def private_directory(directory: Path) -> Path:
    """Make the directory with mode 0700, or refuse one that others may enter.

    Raises:
        KeystoreRefused: It is not a directory of this user's own.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)
        _refuse_unless_private(directory, directory.stat(), _DIRECTORY_MODE)
    except OSError as error:
        raise KeystoreRefused(f"{directory} cannot be used: {error.strerror}.") from error
    return directory


def read_private(path: Path) -> bytes | None:
    """Read a file that only its owner may read; ``None`` when there is none.

    Raises:
        KeystoreRefused: It is a link, not a file, of another user's, or others may read it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeystoreRefused(f"{path} cannot be read: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeystoreRefused(f"{path} is not a regular file.")
        _refuse_unless_private(path.parent, path.parent.stat(), _DIRECTORY_MODE)
        _refuse_unless_private(path, status, _FILE_MODE)
        return file.read()


def write_private(path: Path, content: bytes) -> None:
    """Replace a file in one step: written beside it with mode 0600, synced, renamed.

    Raises:
        KeystoreRefused: The disk or its permissions do not allow it.
    """
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _sync_directory(path.parent)
    except OSError as error:
        raise KeystoreRefused(f"{path} cannot be written: {error.strerror}.") from error


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file against the other processes of this phone."""
    try:
        descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE_MODE
        )
    except OSError as error:
        raise KeystoreRefused(f"{path} cannot be locked: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb"):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_unless_private(path: Path, status: os.stat_result, mode: int) -> None:
    if status.st_uid != os.geteuid():
        raise KeystoreRefused(f"{path} belongs to another user.")
    if status.st_mode & 0o077:
        raise KeystoreRefused(
            f"{path} may be used by others (mode {stat.S_IMODE(status.st_mode):04o}): "
            f"run chmod {mode:o} {path}."
        )
