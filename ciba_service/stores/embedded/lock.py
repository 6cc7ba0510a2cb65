"""Who owns a data directory: exactly one process, which says what it is there for."""

import fcntl
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

__all__ = ["Owner", "OwnerLock", "Role"]


class Role(StrEnum):
    """Whether others may rely on the owner's server, or had better wait for its end."""

    SERVING = "serving"
    BRIEF = "brief"


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that holds the lock."""

    pid: int
    role: Role


class OwnerLock:
    """A held lock; the kernel releases it when the process ends, however that happens."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path, role: Role) -> Self | None:
        """Take the lock, or return ``None`` when another has it; never waits."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {role}\n".encode("ascii"), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Give the lock up; the file stays, for a lock on a removed file protects nothing."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)

    @staticmethod
    def owner(path: Path) -> Owner | None:
        """Read who holds the lock; ``None`` when there is nobody alive, or not yet readable."""
        try:
            pid, role, _ = path.read_text("ascii").replace("\n", " \n").split(" ")
            owner = Owner(int(pid), Role(role))
            os.kill(owner.pid, 0)
        except (OSError, ValueError):
            return None
        return owner
