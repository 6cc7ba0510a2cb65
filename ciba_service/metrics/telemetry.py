"""Counts what the log is told."""

from collections.abc import Callable, Mapping
from typing import Final

from ciba_service.metrics.families import Families
from ciba_service.ports import SecurityEvents, Telemetry
from ciba_service.protocol.security_events.kinds import SecurityEvent, kind_of

__all__ = ["CountedEvents", "MeteredTelemetry"]

_Fields = Mapping[str, object]
# What becomes of a callback, by the event that tells of it.
_CALLBACKS: Final = {
    "callback_attempted": "attempted",
    "callback_delivered": "delivered",
    "callback_due": "due_again",
    "callback_abandoned": "abandoned",
    "callback_put_off": "put_off",
}


class MeteredTelemetry:
    """``ports.Telemetry`` that counts events by a closed table of names, and passes all on."""

    __slots__ = ("_counts", "_families", "_log")

    def __init__(self, log: Telemetry, families: Families) -> None:
        self._log = log
        self._families = families
        self._counts: dict[str, Callable[[_Fields], None]] = {
            "transaction_started": self._opened,
            "transaction_decided": self._decided,
            "transaction_settled": self._settled,
            "transaction_redeemed": _always(families.redeemed.inc),
            "decision_refused": self._refused,
            "factors_locked": _always(families.lockouts.inc),
            "wake_up_attempted": self._woken,
            **{
                event: _always(families.callbacks.labels(outcome).inc)
                for event, outcome in _CALLBACKS.items()
            },
        }

    def event(self, name: str, **fields: object) -> None:
        """Count it if it counts, and pass it on."""
        count = self._counts.get(name)
        if count is not None:
            count(fields)
        self._log.event(name, **fields)

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        """Count it, and pass it on."""
        self._families.failures.inc()
        self._log.failure(name, error, **fields)

    def security_event(self, event: SecurityEvent) -> None:
        """Pass it on."""
        self._log.security_event(event)

    def _opened(self, fields: _Fields) -> None:
        self._families.opened.labels(fields["delivery_mode"], fields["acr"]).inc()

    def _decided(self, fields: _Fields) -> None:
        age = fields["age_seconds"]
        if isinstance(age, int):
            self._families.age.labels(fields["verdict"]).observe(max(age, 0))

    def _settled(self, fields: _Fields) -> None:
        self._families.settled.labels(fields["outcome"]).inc()

    def _refused(self, fields: _Fields) -> None:
        self._families.decisions.labels(fields["reason"]).inc()

    def _woken(self, fields: _Fields) -> None:
        outcome = "failed" if "failure" in fields else "answered"
        self._families.wake_ups.labels(outcome).inc()


class CountedEvents:
    """``ports.SecurityEvents`` that counts by kind, and passes on."""

    __slots__ = ("_counter", "_events")

    def __init__(self, events: SecurityEvents, families: Families) -> None:
        self._events = events
        self._counter = families.security_events

    def security_event(self, event: SecurityEvent) -> None:
        """Count it, and pass it on."""
        self._counter.labels(kind_of(event)).inc()
        self._events.security_event(event)


def _always(count: Callable[[], None]) -> Callable[[_Fields], None]:
    return lambda _: count()
