"""Which process has the other end of a connection on this host."""

import re
from pathlib import Path

__all__ = ["owner_of"]

_ESTABLISHED = "01"


def owner_of(connection: tuple[str, int], pids: list[int]) -> int | None:
    """The one of ``pids`` that accepted the connection whose near end this is."""
    inode = _inode(connection[1])
    if inode is None:
        return None
    return next((pid for pid in pids if inode in _sockets(pid)), None)


def _inode(remote_port: int) -> str | None:
    """Of the socket that is connected to this port from the other side."""
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]:
        _, _, remote, state, *rest = line.split()
        if state == _ESTABLISHED and int(remote.partition(":")[2], 16) == remote_port:
            return rest[5]
    return None


def _sockets(pid: int) -> set[str]:
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except FileNotFoundError:
            continue
        match = re.fullmatch(r"socket:\[(\d+)\]", target)
        if match:
            found.add(match[1])
    return found
