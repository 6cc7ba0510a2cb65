"""A clock that moves only when a test says so."""

import asyncio
import heapq
import itertools
import time


class FakeClock:
    """``ports.Clock``; it begins ahead of real time, so that no TTL in Redis lies in the past."""

    def __init__(self) -> None:
        self._now_ms = time.time_ns() // 1_000_000 + 3_600_000
        self._order = itertools.count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return self._now_ms

    def now(self) -> int:
        """Seconds since the epoch."""
        return self._now_ms // 1000

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has moved the clock far enough."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        until = self._now_ms + int(seconds * 1000)
        heapq.heappush(self._sleepers, (until, next(self._order), woken))
        await woken

    def advance(self, seconds: float) -> None:
        """Move on and wake whoever slept until now."""
        self._now_ms += round(seconds * 1000)
        while self._sleepers and self._sleepers[0][0] <= self._now_ms:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
