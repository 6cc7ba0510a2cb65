"""The system's clock."""

import asyncio
import time

__all__ = ["SystemClock"]


class SystemClock:
    """``ports.Clock`` of this host, which keeps its time by NTP."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
