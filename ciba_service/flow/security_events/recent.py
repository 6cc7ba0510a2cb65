"""The last security events, kept for operators who look at them, whichever process they ask."""

from collections.abc import Callable, Sequence

from ciba_service.ports import Clock, RecentEvents
from ciba_service.protocol.security_events.record import SecurityEventRecord

__all__ = ["RecentEventsSink"]


class RecentEventsSink:
    """``ports.EventSink``; ``on_arrival`` is called when there are more."""

    def __init__(
        self, recent: RecentEvents, *, clock: Clock, on_arrival: Callable[[], None]
    ) -> None:
        self._recent = recent
        self._clock = clock
        self._on_arrival = on_arrival

    async def write(self, records: Sequence[SecurityEventRecord]) -> int:
        """Keep them, and the last of the others; raises ``StoreUnavailable``."""
        await self._recent.put(records, now=self._clock.now_ms())
        self._on_arrival()
        return 0
