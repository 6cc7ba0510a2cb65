"""What waits for one sink: bounded, written in the background, and honest about what was lost."""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Final

from ciba_service.ports import Clock, EventSink, EventsUnwritable, StoreUnavailable, Telemetry
from ciba_service.protocol.security_events.kinds import EventsLost, SecurityEvent
from ciba_service.protocol.security_events.record import SecurityEventRecord

__all__ = ["MAXIMUM_WAITING", "EventLane"]

MAXIMUM_WAITING: Final = 10_000
_BATCH: Final = 128
_PAUSE_SECONDS: Final = 1.0


class EventLane:
    """The way to one sink; no other sink waits for it."""

    def __init__(
        self,
        sink: EventSink,
        *,
        new_record: Callable[[SecurityEvent], SecurityEventRecord],
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._sink = sink
        self._new_record = new_record
        self._clock = clock
        self._telemetry = telemetry
        self._waiting: deque[SecurityEventRecord] = deque()
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._lost = 0
        self._said: str | None = None

    def put(self, record: SecurityEventRecord) -> None:
        """Let it wait; when too many do, it is lost, and counted."""
        if len(self._waiting) >= MAXIMUM_WAITING:
            self._lost += 1
        else:
            self._waiting.append(record)
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled; what cannot be written is logged once, and tried again."""
        while True:
            await self._wake.wait()
            if not await self.flush():
                await self._clock.sleep(_PAUSE_SECONDS)

    async def flush(self) -> bool:
        """Write whatever waits; False when it cannot be written now."""
        try:
            async with self._writing:
                await self._write_all()
        except (EventsUnwritable, StoreUnavailable) as error:
            if str(error) != self._said:
                self._said = str(error)
                self._telemetry.failure("security_events_not_written", error)
            # What failed must be tried again without another event.
            self._wake.set()
            return False
        self._said = None
        return True

    async def _write_all(self) -> None:
        self._wake.clear()
        while self._waiting:
            batch = tuple(islice(self._waiting, _BATCH))
            self._lost += await self._sink.write(batch)
            for _ in batch:
                self._waiting.popleft()
        if self._lost:
            await self._tell_lost(self._lost)

    async def _tell_lost(self, count: int) -> None:
        """Where it finds no place either, it is told with what comes next."""
        unplaced = await self._sink.write((self._new_record(EventsLost(count=count)),))
        if not unplaced:
            self._lost -= count
            self._telemetry.event("security_events_lost", count=count)
