"""What is measured and traced: nothing at all unless ``[metrics]`` or ``[tracing]`` say so.

Then nothing of it is imported either.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from ciba_service.channels.hub import SocketHub
from ciba_service.endpoints.request_log import RequestMeter
from ciba_service.flow.asking.open_streams import OpenStreams
from ciba_service.flow.granting.held_polls import HeldPolls
from ciba_service.listening.admission.gate import Gate, Shed
from ciba_service.ports import AnnouncementKind, Clock, Outbound, SecurityEvents
from ciba_service.settings import MetricsSettings, Settings, TracingSettings
from ciba_service.store_access import OpenStore
from ciba_service.stores.operations import Operations
from ciba_service.wiring.surroundings import Surroundings

if TYPE_CHECKING:
    from ciba_service.tracing import Tracing
    from ciba_service.wiring.running.meters import Meters

__all__ = ["Measuring", "build_measuring"]


@dataclass(frozen=True, slots=True)
class Measuring:
    """Puts meters and spans around parts; without any it returns parts as they are."""

    meters: "Meters | None" = None
    tracing: "Tracing | None" = None

    @property
    def requests(self) -> RequestMeter | None:
        """What counts requests."""
        return None if self.meters is None else self.meters.requests

    def observe_store(self, store: OpenStore) -> None:
        """Count what goes to Redis."""
        if self.meters is not None:
            self.meters.observe_store(store.commands)
            if store.durable is not None:
                self.meters.observe_store(store.durable)

    def surroundings(self, surroundings: Surroundings) -> Surroundings:
        """The same surroundings, whose events are counted."""
        return surroundings if self.meters is None else self.meters.surroundings(surroundings)

    def security_events(self, events: SecurityEvents) -> SecurityEvents:
        """The same way for security events, counted."""
        return events if self.meters is None else self.meters.security_events(events)

    def outbound(self, outbound: Outbound, purpose: str) -> Outbound:
        """The same door out, traced and measured."""
        if self.tracing is not None:
            outbound = self.tracing.outbound(outbound, purpose)
        return outbound if self.meters is None else self.meters.outbound(outbound, purpose)

    def operations(self, store: OpenStore, *, clock: Clock, deadline_ms: int) -> Operations:
        """What stores are written on, traced."""
        make = Operations if self.tracing is None else self.tracing.operations
        return make(store.commands, clock=clock, deadline_ms=deadline_ms, durable=store.durable)

    @property
    def announced(self) -> Callable[[AnnouncementKind], None]:
        """What the hub tells of its words to phones."""
        return (lambda _: None) if self.meters is None else self.meters.announced

    @property
    def shed(self) -> Callable[[Shed], None]:
        """What is told of each request that found no place."""
        return (lambda _: None) if self.meters is None else self.meters.shed

    @property
    def lag(self) -> Callable[[float], None]:
        """What is told how late the event loop was."""
        return (lambda _: None) if self.meters is None else self.meters.lag

    def app(
        self, hub: SocketHub, held: HeldPolls, streams: OpenStreams, admission: Gate
    ) -> ASGIApp | None:
        """What answers ``/metrics``, where somebody may ask."""
        return None if self.meters is None else self.meters.app(hub, held, streams, admission)


def build_measuring(settings: Settings) -> Measuring:
    """Meters where somebody may scrape, spans where they are wanted, else none."""
    return Measuring(_meters(settings.metrics), _tracing(settings.tracing))


def _meters(settings: MetricsSettings) -> "Meters | None":
    if settings.port is None:
        return None
    meters: Meters = import_module("ciba_service.wiring.running.meters").Meters()
    return meters


def _tracing(settings: TracingSettings) -> "Tracing | None":
    """Spans; nothing of OpenTelemetry is imported where there are none."""
    if not settings.enabled:
        return None
    module = import_module("ciba_service.tracing")
    tracing: Tracing = module.Tracing(trusts_traceparent=settings.trust_traceparent)
    return tracing
