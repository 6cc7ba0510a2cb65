"""The log with security events beside it: what steps are given that tell of both."""

from collections.abc import Sequence

import msgspec

from ciba_service.ports import SecurityEvents, Telemetry
from ciba_service.protocol.security_events.kinds import SecurityEvent
from ciba_service.protocol.security_events.record import SecurityEventRecord

__all__ = ["LoggedEvents", "WatchedTelemetry"]


class WatchedTelemetry:
    """``ports.Telemetry`` whose security events go another way than its log."""

    __slots__ = ("_events", "_log")

    def __init__(self, log: Telemetry, events: SecurityEvents) -> None:
        self._log = log
        self._events = events

    def event(self, name: str, **fields: object) -> None:
        """Log it."""
        self._log.event(name, **fields)

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        """Log it."""
        self._log.failure(name, error, **fields)

    def security_event(self, event: SecurityEvent) -> None:
        """Take note of it."""
        self._events.security_event(event)


class LoggedEvents:
    """``ports.EventSink`` on the ordinary log, where no other place is configured."""

    __slots__ = ("_log",)

    def __init__(self, log: Telemetry) -> None:
        self._log = log

    async def write(self, records: Sequence[SecurityEventRecord]) -> int:
        """One line each; it never fails."""
        for record in records:
            fields = msgspec.to_builtins(record.event)
            self._log.event("security_event", id=record.id, severity=record.severity, **fields)
        return 0
