"""The service's fake clock as the client library takes it."""

import asyncio

from tests.fake_clock import FakeClock


class SharedTime:
    """Nothing happens until a test moves the clock."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.clock.now_ms() / 1000

    def monotonic(self) -> float:
        """Seconds."""
        return self.now()

    async def sleep(self, seconds: float) -> None:
        """Until a test has moved the clock so far."""
        await self.clock.sleep(seconds)


class ClientTime(SharedTime):
    """Waiting for the interval moves the clock."""

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once, and everybody else get on meanwhile."""
        self.clock.advance(seconds)
        await asyncio.sleep(0)
