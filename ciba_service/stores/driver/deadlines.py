"""A deadline for each of very many replies, with one timer for all of them."""

import asyncio
from collections import deque
from typing import Any

from ciba_service.stores.driver.faults import StoreFault

__all__ = ["Deadlines"]


class Deadlines:
    """Whatever is watched has the same time from then on, so that what came first ends first."""

    __slots__ = ("_seconds", "_timer", "_watched")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._watched: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, reply: asyncio.Future[Any]) -> float:
        """Make a reply that does not come in time a ``StoreFault``; returns the end.

        The end is a time of the event loop.
        """
        loop = reply.get_loop()
        end = loop.time() + self._seconds
        watched = self._watched
        while watched and watched[0][1].done():
            watched.popleft()
        watched.append((end, reply))
        if self._timer is None:
            self._timer = loop.call_at(end, self._expire, loop)
        return end

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        watched, now = self._watched, loop.time()
        while watched and (watched[0][1].done() or watched[0][0] <= now):
            _, reply = watched.popleft()
            if not reply.done():
                reply.set_exception(StoreFault("Redis did not answer in time"))
        if watched:
            self._timer = loop.call_at(watched[0][0], self._expire, loop)
