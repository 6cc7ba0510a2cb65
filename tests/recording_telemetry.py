"""A log that tests can read."""

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

    def event(self, name: str, **fields: object) -> None:
        """Keep an event; one with a field that could hold a secret is a defect."""
        assert not SECRET_FIELDS & fields.keys()
        self.events.append(Event(name, fields))

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        """Keep a failure, likewise."""
        assert not SECRET_FIELDS & fields.keys()
        self.failures.append(Event(name, {**fields, "error": repr(error)}))

    def named(self, name: str) -> list[Event]:
        """All events of a name."""
        return [event for event in self.events if event.name == name]
