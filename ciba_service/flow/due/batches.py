"""Work that is done in batches: whatever comes while one is under way is the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

__all__ = ["Batches"]

_T = TypeVar("_T")


class Batches(Generic[_T]):
    """``run`` is a background task of a process; nothing is done without it."""

    def __init__(self, do: Callable[[Sequence[_T]], Awaitable[None]]) -> None:
        self._do = do
        self._waiting: list[_T] = []
        self._wake = asyncio.Event()
        self._runs = False

    @property
    def runs(self) -> bool:
        """Whether what is added will be done."""
        return self._runs

    def add(self, work: _T) -> None:
        """Have it done soon."""
        self._waiting.append(work)
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        self._runs = True
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                works, self._waiting = self._waiting, []
                await self._do(works)
        finally:
            self._runs = False
