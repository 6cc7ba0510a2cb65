"""The last security events of this process, for operators who look at them."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ciba_service.protocol.security_events.record import SecurityEventRecord

__all__ = ["MOST_RECENT", "NumberedEvent", "RecentEvents"]

MOST_RECENT: Final = 1_000


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event and its place; numbers grow, also from one process to the one that follows it."""

    number: int
    record: SecurityEventRecord


class RecentEvents:
    """``ports.EventSink`` in memory; ``on_arrival`` is called when there are more."""

    def __init__(self, *, first: int, on_arrival: Callable[[], None]) -> None:
        """``first`` is the number of the first: the time, so that none comes twice."""
        self._next = first
        self._on_arrival = on_arrival
        self._kept: deque[NumberedEvent] = deque(maxlen=MOST_RECENT)

    async def write(self, records: Sequence[SecurityEventRecord]) -> int:
        """Keep them, and the last of the others; none is lost."""
        for record in records:
            self._kept.append(NumberedEvent(self._next, record))
            self._next += 1
        self._on_arrival()
        return 0

    def after(self, number: int, *, limit: int = MOST_RECENT) -> Sequence[NumberedEvent]:
        """The first of those that follow a number."""
        return [each for each in self._kept if each.number > number][:limit]
