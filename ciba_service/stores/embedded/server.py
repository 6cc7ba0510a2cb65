"""The private server of a service without a Redis URL: one owner, no orphans, nothing lost."""

import asyncio
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ciba_service.stores.embedded.binary import ServerProgram, ServerVersion, find_program
from ciba_service.stores.embedded.keeper import EmbeddedServerFailed, Keeper, ServerPlan, answers
from ciba_service.stores.embedded.lock import OwnerLock, Role

__all__ = ["DataDirectoryInUse", "EmbeddedServer", "EmbeddedServerFailed", "open_embedded"]

_LONGEST_SOCKET_PATH: Final = 100
"""Bytes; the kernel's limit is 104 to 108."""
_PRIVATE: Final = 0o700
_OURS: Final = frozenset({"owner.lock", "redis.lock", "redis.version", "appendonlydir"})
"""One of these is in every data directory that this service has used."""
_KEY_FILES: Final = ("making.lock", "keys.json", "ring.json")
_LOOK_AGAIN_SECONDS: Final = 0.05
_HANDOVER_SECONDS: Final = 1.0
"""For a killed process to disappear, so that a restart at once succeeds."""


class DataDirectoryInUse(Exception):
    """Another process owns the data directory; ``pid`` is its number, where it is known."""

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        owner = "another process" if pid is None else f"process {pid}"
        super().__init__(f"The data directory {data_dir} is in use by {owner}.")
        self.pid = pid


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server, ours or that of the process that owns the data directory."""

    socket_path: str
    keeper: Keeper | None = None

    @property
    def owned(self) -> bool:
        """Whether this process owns the server, so that closing ends it."""
        return self.keeper is not None

    async def aclose(self) -> None:
        """End the server if it is ours, and wait until it has written everything."""
        if self.keeper is not None:
            await self.keeper.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


async def open_embedded(
    data_dir: Path, *, own: bool = False, program: Path | None = None, patience: float = 30.0
) -> EmbeddedServer:
    """Start the server of a data directory, or join the one that a serving process runs there.

    ``own`` is for ``serve``: it insists on being the owner. Without it (commands that do one thing
    and end) a serving owner's socket is used; a brief owner is waited for in either case, at most
    ``patience`` seconds. ``program`` names the server program instead of looking for one. A
    directory that is not there is made, for its owner alone; one that was there keeps its mode.

    Raises:
        DataDirectoryInUse: ``own``, and another process serves; or patience ran out.
        EmbeddedServerFailed: the server does not start, or the directory is not fit for it.
        NoServerProgram: there is no program to run.
    """
    data_dir = _private_directory(data_dir)
    lock_path = data_dir / "owner.lock"
    loop = asyncio.get_running_loop()
    begin = loop.time()
    while True:
        lock = OwnerLock.take(lock_path, Role.SERVING if own else Role.BRIEF)
        if lock is not None:
            return await _start(data_dir, lock, program)
        owner = OwnerLock.owner(lock_path)
        serving = owner is not None and owner.role is Role.SERVING
        if serving and not own:
            socket_path = _remembered_socket(data_dir)
            if await answers(socket_path):
                return EmbeddedServer(socket_path)
        limit = min(patience, _HANDOVER_SECONDS) if serving and own else patience
        if loop.time() - begin > limit:
            raise DataDirectoryInUse(data_dir, owner.pid if owner else None)
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _start(data_dir: Path, lock: OwnerLock, program: Path | None) -> EmbeddedServer:
    try:
        chosen = await asyncio.to_thread(_choose_program, data_dir, program)
        socket_path = _socket(data_dir)
        keeper = Keeper(ServerPlan(chosen, data_dir, socket_path), lock)
        await keeper.start()
    except BaseException:
        lock.release()
        raise
    return EmbeddedServer(socket_path, keeper)


def _private_directory(data_dir: Path) -> Path:
    """Make the directory, or see that it is ours and that nobody else can replace its files.

    Every file in it is closed to others on its own, so that the mode of a directory that somebody
    else made need not be changed, and is not.
    """
    try:
        data_dir.mkdir(mode=_PRIVATE, parents=True)
    except FileExistsError:
        _check_directory(data_dir)
    return data_dir.resolve()


def _check_directory(data_dir: Path) -> None:
    entries = [entry for entry in data_dir.iterdir() if entry.name != "lost+found"]
    was_here = not _OURS.isdisjoint(entry.name for entry in entries)
    if not was_here and not all(map(_holds_keys, entries)):
        raise EmbeddedServerFailed(
            f"The directory {data_dir} holds other files; the data need one of their own."
        )
    found = data_dir.stat()
    if found.st_uid != os.geteuid():
        raise EmbeddedServerFailed(
            f"The data directory {data_dir} belongs to {_name(found.st_uid)}: "
            "run this as that user."
        )
    if not was_here and entries:
        # It was made together with the keys, as open as the umask had it.
        data_dir.chmod(_PRIVATE)
    elif found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise EmbeddedServerFailed(
            f"Others may write to the data directory {data_dir}: close it to them (chmod 700)."
        )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _holds_keys(entry: Path) -> bool:
    return entry.name in _KEY_FILES or any((entry / name).exists() for name in _KEY_FILES)


def _choose_program(data_dir: Path, program: Path | None) -> Path:
    """Choose a program that reads the files there, and note who is going to write them."""
    note = data_dir / "redis.version"
    noted = note.read_text("ascii") if note.exists() else ""
    writer = ServerVersion.parse(noted)
    chosen = find_program(writer) if program is None else ServerProgram.at(program)
    if noted != f"{chosen.version}\n":
        note.write_text(f"{chosen.version}\n", "ascii")
    return chosen.path


def _remembered_socket(data_dir: Path) -> str:
    """Where the owner's socket is; a path too long for a socket is replaced by a noted one."""
    usual = str(data_dir / "redis.sock")
    if len(os.fsencode(usual)) <= _LONGEST_SOCKET_PATH:
        return usual
    try:
        return (data_dir / "redis.sock.path").read_text("utf-8")
    except FileNotFoundError:
        return ""


def _socket(data_dir: Path) -> str:
    """Decide, as the owner, where the socket is to be: beside the data if the path is short."""
    remembered = _remembered_socket(data_dir)
    place = Path(remembered).parent
    if remembered and (place == data_dir or _is_private(place)):
        return remembered
    made = str(Path(tempfile.mkdtemp(prefix="ciba-"), "redis.sock"))
    (data_dir / "redis.sock.path").write_text(made, "utf-8")
    return made


def _is_private(directory: Path) -> bool:
    try:
        found = directory.lstat()
    except OSError:
        return False
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == _PRIVATE
    return private and found.st_uid == os.geteuid()
