"""A clock that moves only when a test says so, for loops in several threads."""

import asyncio
import heapq
import threading

from tests.fake_clock import FakeClock


class SharedClock(FakeClock):
    """Each sleeper is woken in the loop it sleeps in."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has moved the clock far enough."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            until = self._now_ms + int(seconds * 1000)
            heapq.heappush(self._sleepers, (until, next(self._order), woken))
        await woken

    def advance(self, seconds: float) -> None:
        """Move on and wake whoever slept until now."""
        with self._lock:
            self._now_ms += round(seconds * 1000)
            while self._sleepers and self._sleepers[0][0] <= self._now_ms:
                _, _, woken = heapq.heappop(self._sleepers)
                loop = woken.get_loop()
                if not loop.is_closed():
                    loop.call_soon_threadsafe(_wake, woken)


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
