"""Turns: so many at once for each name, while others wait, and neither holds other names up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

__all__ = ["Turns"]


@dataclass(slots=True)
class _Line:
    free: asyncio.Semaphore
    length: int = 0


class Turns:
    """``at_once`` for each name, and ``waiting`` more in line, first come, first served."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        self._at_once = at_once
        self._longest = at_once + waiting
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def turn(self, name: str, *, patience: float) -> AsyncIterator[bool]:
        """Whether there is a turn; False when too many wait, or for longer than ``patience``.

        ``patience`` is in seconds.
        """
        line = self._lines.setdefault(name, _Line(asyncio.Semaphore(self._at_once)))
        if line.length >= self._longest:
            yield False
            return
        line.length += 1
        try:
            has_turn = await _acquired(line.free, patience)
            try:
                yield has_turn
            finally:
                if has_turn:
                    line.free.release()
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[name]


async def _acquired(free: asyncio.Semaphore, patience: float) -> bool:
    try:
        async with asyncio.timeout(patience):
            return await free.acquire()
    except TimeoutError:
        return False
