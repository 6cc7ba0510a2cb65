"""A wait for a moment that something else may cut short."""

import asyncio

from ciba_client.sdk.clock import Clock

__all__ = ["Alarm"]


class Alarm:
    """Wakes whoever waits at the end of a time, or when it is rung."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake all who wait now."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Let time pass until ``ring`` is called; look at what may have changed just before."""
        self._rung.clear()
        timer = asyncio.ensure_future(self._clock.sleep(seconds))
        rung = asyncio.ensure_future(self._rung.wait())
        try:
            done, _ = await asyncio.wait({timer, rung}, return_when=asyncio.FIRST_COMPLETED)
            if timer in done:
                timer.result()
        finally:
            timer.cancel()
            rung.cancel()
            await asyncio.gather(timer, rung, return_exceptions=True)
