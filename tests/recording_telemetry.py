"""A log that tests can read."""

import asyncio
from dataclasses import dataclass, field

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
    waiting: list[tuple[str, asyncio.Future[Event]]] = field(default_factory=list)

    def event(self, name: str, **fields: object) -> None:
        """Keep an event; one with a field that could hold a secret is a defect."""
        assert not SECRET_FIELDS & fields.keys()
        event = Event(name, fields)
        self.events.append(event)
        for waiting in [each for each in self.waiting if each[0] == name and not each[1].done()]:
            waiting[1].set_result(event)

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        """Keep a failure, likewise."""
        assert not SECRET_FIELDS & fields.keys()
        self.failures.append(Event(name, {**fields, "error": repr(error)}))

    async def seen(self, name: str, number: int = 1) -> Event:
        """The event of a name, the ``number``-th of its kind, once it is there."""
        async with asyncio.timeout(10):
            while len(self.named(name)) < number:
                awaited: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
                self.waiting.append((name, awaited))
                await awaited
        return self.named(name)[number - 1]

    def named(self, name: str) -> list[Event]:
        """All events of a name."""
        return [event for event in self.events if event.name == name]
