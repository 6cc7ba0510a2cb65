"""A log that tests can read."""

import asyncio
from dataclasses import dataclass, field

from ciba_service.protocol.security_events.kinds import SecurityEvent
from ciba_service.telemetry import SECRET_FIELDS


@dataclass(frozen=True)
class Event:
    """One line of the log."""

    name: str
    fields: dict[str, object]


@dataclass
class RecordingTelemetry:
    """``ports.Telemetry`` that keeps what it is told."""

    events: list[Event] = field(default_factory=list)
    failures: list[Event] = field(default_factory=list)
    security_events: list[SecurityEvent] = field(default_factory=list)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def event(self, name: str, **fields: object) -> None:
        """Keep an event; one with a field that could hold a secret is a defect."""
        assert not SECRET_FIELDS & fields.keys()
        self.events.append(Event(name, fields))
        self._wake()

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        """Keep a failure, likewise."""
        assert not SECRET_FIELDS & fields.keys()
        self.failures.append(Event(name, {**fields, "error": repr(error)}))
        self._wake()

    def security_event(self, event: SecurityEvent) -> None:
        """Keep a security event."""
        self.security_events.append(event)
        self._wake()

    async def seen(self, name: str, number: int = 1) -> Event:
        """The event of a name, the ``number``-th of its kind, once it is there."""
        async with asyncio.timeout(10):
            while len(self.named(name)) < number:
                await self.next()
        return self.named(name)[number - 1]

    async def failed(self, name: str) -> Event:
        """The first failure of a name, once it is there."""
        async with asyncio.timeout(10):
            while not (found := [each for each in self.failures if each.name == name]):
                await self.next()
        return found[0]

    async def next(self) -> None:
        """Wait for the next event or failure."""
        awaited: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(awaited)
        await awaited

    def _wake(self) -> None:
        woken, self.waiting = self.waiting, []
        for awaited in woken:
            if not awaited.done():
                awaited.set_result(None)

    def named(self, name: str) -> list[Event]:
        """All events of a name."""
        return [event for event in self.events if event.name == name]
