"""``ciba-service serve`` with a clock that others may set: ``jumping_service.py CONFIGURATION``.

The service reads the time in one place, ``SystemClock``. Here that is replaced by one which adds
what a file beside the configuration says, in milliseconds; everything else is the service.
"""

import mmap
import struct
import sys
import time
from pathlib import Path
from typing import Final

from ciba_service.cli import main
from ciba_service.clock import SystemClock

__all__ = ["ClockHand"]

_OFFSET: Final = struct.Struct("=q")


class ClockHand:
    """The file by which the clock of a process is set while it runs."""

    def __init__(self, config: Path) -> None:
        file = config.with_suffix(".clock")
        if not file.exists():
            file.write_bytes(_OFFSET.pack(0))
        with file.open("r+b") as stream:
            self._memory = mmap.mmap(stream.fileno(), _OFFSET.size)

    @property
    def offset_ms(self) -> int:
        """How far it is ahead."""
        (offset,) = _OFFSET.unpack_from(self._memory)
        return int(offset)

    def set(self, offset_ms: int) -> None:
        """Let it jump."""
        _OFFSET.pack_into(self._memory, 0, offset_ms)


def run() -> int:
    """As ``ciba-service`` runs it."""
    hand = ClockHand(Path(sys.argv[1]))

    def now_ms(_: SystemClock) -> int:
        return time.time_ns() // 1_000_000 + hand.offset_ms

    SystemClock.now_ms = now_ms  # type: ignore[assignment, method-assign]
    return main(["serve", "--config", sys.argv[1]])


if __name__ == "__main__":
    sys.exit(run())
