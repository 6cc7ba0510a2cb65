"""What the phone takes from outside: time and randomness."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final, Protocol

__all__ = ["Clock", "RandomBytes", "SystemClock", "system_random"]

RandomBytes = Callable[[int], bytes]
"""Gives that many unpredictable bytes."""

system_random: Final[RandomBytes] = os.urandom


class Clock(Protocol):
    """Tells the time and waits."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for so long; a time of zero or less only yields."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Wait for so long."""
        await asyncio.sleep(seconds)
