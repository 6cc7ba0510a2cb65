"""Every family of metrics: its name, unit, labels and what it says.

Labels have closed sets of values; none ever names a client, a user or a phone. A histogram's count
is the rate of what it measures.
"""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.security_events.kinds import KINDS, kind_of
from ciba_service.protocol.transaction.state import State
from ciba_service.sca.factors.policy import ACR_TABLE

__all__ = ["Described", "Families"]

# From a poll that nothing holds up to one that is held for as long as can be.
_REQUEST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0)
_ROUND_TRIP: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_LAG: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
_OUTBOUND: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_AGE: Final = (2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0)
_SETTLED: Final = (
    State.APPROVED, State.DENIED, State.FAILED, State.CANCELLED, State.EXPIRED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Described:
    """What is written of a family in docs/metrics.md."""

    name: str
    type: str
    labels: tuple[str, ...]
    text: str


class Families:
    """All families of one process, in a registry of their own."""

    def __init__(self) -> None:
        # Of the whole process: half of all lines, and read by nobody.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry(auto_describe=True)
        self.described: list[Described] = []
        self._requests()
        self._admission()
        self._transactions()
        self._phones()
        self._deliveries()
        self._store()
        self._process()

    def _requests(self) -> None:
        self.requests = self._histogram(
            "ciba_http_request_duration_seconds",
            "Time from the head of an HTTP request to the end of its answer.",
            ["endpoint", "outcome"],
            _REQUEST,
        )
        self.held_polls = self._gauge(
            "ciba_held_polls", "Token requests that wait for a decision (long polling)."
        )
        self.event_streams = self._gauge("ciba_event_streams", "Open streams of events.")
        self.security_events = self._counter(
            "ciba_security_events_total", "Security events, those suppressed included.", ["kind"]
        )
        for kind in KINDS:
            self.security_events.labels(kind_of(kind))
        self.failures = self._counter(
            "ciba_failures_total", "Lines of the log at level error: something of ours went wrong."
        )

    def _admission(self) -> None:
        self.shed = self._counter(
            "ciba_requests_shed_total",
            "Requests answered 503 for want of a place: as many wait as may, too late, or a share.",
            ["cause"],
        )
        self.in_work = self._gauge("ciba_requests_in_work", "Requests that have a place.")
        self.places = self._gauge(
            "ciba_request_places", "How many may have one, as the event loop permits."
        )
        self.waiting = self._gauge("ciba_requests_waiting", "Requests that wait for a place.")
        self.lag = self._histogram(
            "ciba_event_loop_lag_seconds",
            "How late the event loop was, asked ten times a second.",
            [],
            _LAG,
        )

    def _transactions(self) -> None:
        self.opened = self._counter(
            "ciba_transactions_opened_total",
            "Requests that were acknowledged and stored.",
            ["delivery_mode", "acr"],
        )
        for mode in DeliveryMode:
            for acr in ACR_TABLE:
                self.opened.labels(mode, acr)
        self.settled = self._counter(
            "ciba_transactions_settled_total",
            "Transactions that are pending no longer, by how they ended.",
            ["outcome"],
        )
        for state in _SETTLED:
            self.settled.labels(state)
        self.redeemed = self._counter(
            "ciba_transactions_redeemed_total", "Approved transactions whose tokens were issued."
        )
        self.age = self._histogram(
            "ciba_decision_age_seconds",
            "Time from a request to the user's decision, in whole seconds.",
            ["verdict"],
            _AGE,
        )

    def _phones(self) -> None:
        self.connected = self._gauge(
            "ciba_connected_phones", "Phones whose sockets this process has."
        )
        self.announcements = self._counter(
            "ciba_announcements_total",
            "Words to the phones of a user, by kind; offer brings a challenge.",
            ["kind"],
        )
        self.decisions = self._counter(
            "ciba_decisions_refused_total", "Decisions of phones that did not count.", ["reason"]
        )
        self.lockouts = self._counter(
            "ciba_factor_lockouts_total", "Users whose factors were locked by wrong attempts."
        )
        self.wake_ups = self._counter(
            "ciba_wake_ups_total", "Attempts to wake a phone.", ["outcome"]
        )

    def _deliveries(self) -> None:
        self.callbacks = self._counter(
            "ciba_callbacks_total",
            "Callbacks to clients: attempted, delivered, due again, abandoned, or put off.",
            ["outcome"],
        )
        self.outbound = self._histogram(
            "ciba_outbound_duration_seconds",
            "Time of an HTTP request to somebody else, its wait for a place included.",
            ["purpose", "outcome"],
            _OUTBOUND,
        )

    def _store(self) -> None:
        self.round_trips = self._histogram(
            "ciba_store_round_trip_duration_seconds",
            "Time of one round trip to Redis, which carries all commands of one moment.",
            ["outcome"],
            _ROUND_TRIP,
        )
        self.replica_waits = self._histogram(
            "ciba_store_replica_wait_duration_seconds",
            "Time of a round trip whose writes replicas must have (store.wait_for_replicas).",
            ["outcome"],
            _ROUND_TRIP,
        )
        self.commands = self._counter(
            "ciba_store_commands_total", "Commands and scripts sent to Redis."
        )
        self.retries = self._counter(
            "ciba_store_retries_total", "Operations on the store that were repeated after a fault."
        )
        self.timeouts = self._counter(
            "ciba_store_deadlines_exceeded_total", "Operations given up at store.deadline_ms."
        )

    def _process(self) -> None:
        build = self._gauge(
            "ciba_build_info", "Always 1; the version of the service.", ["version", "python"]
        )
        build.labels(version("ciba-service"), platform.python_version()).set(1)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def _counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        self.described.append(Described(name, "counter", tuple(labels), text))
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        self.described.append(Described(name, "gauge", tuple(labels), text))
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, labels: Sequence[str], buckets: tuple[float, ...]
    ) -> Histogram:
        self.described.append(Described(name, "histogram", tuple(labels), text))
        return Histogram(name, text, labels, registry=self.registry, buckets=buckets)
