"""Clocks that differ: that of a host, and that of the store."""

import asyncio
from dataclasses import dataclass

from ciba_service.ports import Clock


class Ahead:
    """The clock of a host that is an hour ahead of others."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.rests = asyncio.Event()

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return self._clock.now_ms() + 3_600_000

    async def sleep(self, seconds: float) -> None:
        """Wait as others do."""
        self.rests.set()
        await self._clock.sleep(seconds)


@dataclass
class StoreClock:
    """``ports.StoreHealth`` of a store whose clock is this one."""

    clock: Clock

    async def server_time_ms(self) -> int:
        """Its time."""
        return self.clock.now_ms()

    async def confirm(self) -> None:
        """There are no replicas."""
