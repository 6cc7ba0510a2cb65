"""Security events are taken note of where they happen, and written in the background."""

import asyncio
from collections.abc import Sequence
from typing import Final

from ciba_service.flow.security_events.lane import EventLane
from ciba_service.ports import Clock, EventSink, Randomness, Telemetry
from ciba_service.protocol.security_events.kinds import SecurityEvent
from ciba_service.protocol.security_events.limits import WINDOW_MS, EventLimits
from ciba_service.protocol.security_events.record import (
    EVENT_ID_BYTES,
    SecurityEventRecord,
    record_of,
)

__all__ = ["EventRecorder"]

_LOOK_SECONDS: Final = 10.0


class EventRecorder:
    """``ports.SecurityEvents`` that names, bounds and counts events, and writes them to all sinks.

    ``store_clock`` paces the background, ``clock`` is the time of events.
    """

    def __init__(
        self,
        sinks: Sequence[EventSink],
        *,
        random: Randomness,
        clock: Clock,
        store_clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._limits = EventLimits()
        self._random = random
        self._clock = clock
        self._store_clock = store_clock
        self._lanes = [
            EventLane(sink, new_record=self._record, clock=store_clock, telemetry=telemetry)
            for sink in sinks
        ]

    def security_event(self, event: SecurityEvent) -> None:
        """Take note; costs neither a wait nor a round trip."""
        if self._limits.admits(event, now=self._clock.now_ms()):
            self._put(event)

    async def run(self) -> None:
        """Write until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for lane in self._lanes:
                tasks.create_task(lane.run())
            while True:
                await self._store_clock.sleep(_LOOK_SECONDS)
                self.tell_suppressed()

    def tell_suppressed(self, *, is_last: bool = False) -> None:
        """Say how many were not told, of windows that are over; ``is_last``: of all of them."""
        now = self._clock.now_ms() + (WINDOW_MS if is_last else 0)
        for summary in self._limits.ended(now=now):
            self._put(summary)

    async def flush(self) -> None:
        """Write whatever waits, once: what cannot be written now goes on waiting."""
        await asyncio.gather(*(lane.flush() for lane in self._lanes))

    def _put(self, event: SecurityEvent) -> None:
        record = self._record(event)
        for lane in self._lanes:
            lane.put(record)

    def _record(self, event: SecurityEvent) -> SecurityEventRecord:
        return record_of(event, entropy=self._random(EVENT_ID_BYTES), now=self._clock.now_ms())
