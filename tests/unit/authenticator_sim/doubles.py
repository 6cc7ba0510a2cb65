"""Doubles of the phone's ports: a clock that moves when told, and ears for events."""

import asyncio
from typing import TypeVar

from authenticator_sim.core.events import Event
from tests.unit.authenticator_sim.scripted_service import NOW_MS, PATIENCE_SECONDS

_EventT = TypeVar("_EventT", bound=Event)


class FakeClock:
    """Time stands still until the test moves it."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self._now_ms = now_ms
        self._sleepers: list[tuple[float, float, asyncio.Event]] = []
        self._changed = asyncio.Event()

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return self._now_ms

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has moved the clock so far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        alarm = asyncio.Event()
        entry = (self._now_ms + seconds * 1000, seconds, alarm)
        self._sleepers.append(entry)
        self._changed.set()
        self._changed = asyncio.Event()
        try:
            await alarm.wait()
        finally:
            if entry in self._sleepers:
                self._sleepers.remove(entry)

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self._now_ms += round(seconds * 1000)
        for entry in list(self._sleepers):
            if entry[0] <= self._now_ms + 1:
                entry[2].set()
                self._sleepers.remove(entry)

    async def until_asleep(self, seconds: float | None = None) -> float:
        """Wait until somebody sleeps (for exactly so long, if given); return for how long."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for _, duration, _ in self._sleepers:
                    if seconds is None or duration == seconds:
                        return duration
                await self._changed.wait()

    async def pass_next_sleep(self) -> float:
        """Wait until somebody sleeps, wake him, and return for how long he slept."""
        duration = await self.until_asleep()
        self.advance(duration)
        return duration


class Ears:
    """Hears events and waits for them."""

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self._queue: asyncio.Queue[Event] = asyncio.Queue()

    def report(self, event: Event) -> None:
        """Hear one event."""
        self.heard.append(event)
        self._queue.put_nowait(event)

    async def next(self, kind: type[_EventT]) -> _EventT:
        """Wait for the next event of a kind."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not isinstance(event := await self._queue.get(), kind):
                pass
        return event

    def all(self, kind: type[_EventT]) -> list[_EventT]:
        """Every event of a kind heard so far."""
        return [event for event in self.heard if isinstance(event, kind)]
