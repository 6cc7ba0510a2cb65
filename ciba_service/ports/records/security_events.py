"""Security events: who is told of them, where they are written, and what waits to be pushed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ciba_service.protocol.security_events.kinds import SecurityEvent
from ciba_service.protocol.security_events.record import SecurityEventRecord

__all__ = [
    "DueSet",
    "EventSink",
    "EventsUnwritable",
    "NumberedEvent",
    "RecentEvents",
    "SecurityEvents",
    "SetOutbox",
]


class SecurityEvents(Protocol):
    """Whoever wants to know what happened."""

    def security_event(self, event: SecurityEvent) -> None:
        """Take note of it: never waits, and never fails."""
        ...


class EventsUnwritable(Exception):
    """Events cannot be written now; the text says why, for the log."""


class EventSink(Protocol):
    """One place where every event is written."""

    async def write(self, records: Sequence[SecurityEventRecord]) -> int:
        """Write all of them in their order; returns how many found no place and are lost.

        The same records may come again when it failed.

        Raises:
            EventsUnwritable: when it cannot write now.
        """
        ...


@dataclass(frozen=True, slots=True)
class DueSet:
    """An event that is to be pushed now, leased until ``lease_until``; ``attempts`` were made."""

    record: SecurityEventRecord
    attempts: int
    lease_until: int


class SetOutbox(Protocol):
    """What waits for one receiver, shared by all processes; bounded, and it fades."""

    async def put(self, records: Sequence[SecurityEventRecord], *, now: int) -> int:
        """Keep them, each once; returns how many found no place. Raises ``StoreUnavailable``."""
        ...

    async def claim(self, *, now: int, limit: int) -> Sequence[DueSet]:
        """Lease what is due, so that no other process sends it. Raises ``StoreUnavailable``."""
        ...

    async def finish(self, due: DueSet) -> None:
        """Forget it, unless its lease was taken over. Raises ``StoreUnavailable``."""
        ...

    async def put_off(self, due: DueSet, *, until: int) -> None:
        """Let it be due again, with one attempt more, unless its lease was taken over.

        Raises:
            StoreUnavailable: when the store cannot be reached; it is due when the lease ends.
        """
        ...


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event and its place among the last ones; numbers grow, whichever process writes."""

    number: int
    record: SecurityEventRecord


class RecentEvents(Protocol):
    """The last events of all processes, for operators who look at them; bounded, and they fade."""

    async def put(self, records: Sequence[SecurityEventRecord], *, now: int) -> None:
        """Number and keep them, each once; raises ``StoreUnavailable``."""
        ...

    async def after(self, number: int, *, limit: int) -> Sequence[NumberedEvent]:
        """The first of those that follow a number; raises ``StoreUnavailable``."""
        ...
