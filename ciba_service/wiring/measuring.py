"""What is measured and traced: nothing at all unless ``[metrics]`` or ``[tracing]`` say so."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from ciba_service.channels.hub import SocketHub
from ciba_service.flow.held_polls import HeldPolls
from ciba_service.flow.open_streams import OpenStreams
from ciba_service.listening.admission.gate import Gate, Shed
from ciba_service.metrics.exposition import MetricsApp
from ciba_service.metrics.families import Families
from ciba_service.metrics.meters import HttpMeter, MeteredOutbound, StoreMeter
from ciba_service.metrics.telemetry import CountedEvents, MeteredTelemetry
from ciba_service.ports import AnnouncementKind, Clock, Outbound, SecurityEvents
from ciba_service.settings import Settings, TracingSettings
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.operations import Operations
from ciba_service.wiring.surroundings import Surroundings

if TYPE_CHECKING:
    from ciba_service.tracing import Tracing

__all__ = ["Measuring", "build_measuring"]


@dataclass(frozen=True, slots=True)
class Measuring:
    """Puts meters and spans around parts; without any it returns parts as they are."""

    families: Families | None = None
    tracing: "Tracing | None" = None

    @property
    def requests(self) -> HttpMeter | None:
        """What counts requests."""
        return None if self.families is None else HttpMeter(self.families)

    def observe_store(self, commands: Commands) -> None:
        """Count what goes to Redis."""
        if self.families is not None:
            commands.observer = StoreMeter(self.families)

    def surroundings(self, surroundings: Surroundings) -> Surroundings:
        """The same surroundings, whose events are counted."""
        if self.families is None:
            return surroundings
        metered = MeteredTelemetry(surroundings.telemetry, self.families)
        return replace(surroundings, telemetry=metered)

    def security_events(self, events: SecurityEvents) -> SecurityEvents:
        """The same way for security events, counted."""
        return events if self.families is None else CountedEvents(events, self.families)

    def outbound(self, outbound: Outbound, purpose: str) -> Outbound:
        """The same door out, traced and measured."""
        if self.tracing is not None:
            outbound = self.tracing.outbound(outbound, purpose)
        if self.families is not None:
            outbound = MeteredOutbound(outbound, purpose, self.families)
        return outbound

    def operations(self, commands: Commands, *, clock: Clock, deadline_ms: int) -> Operations:
        """What stores are written on, traced."""
        make = Operations if self.tracing is None else self.tracing.operations
        return make(commands, clock=clock, deadline_ms=deadline_ms)

    @property
    def announced(self) -> Callable[[AnnouncementKind], None]:
        """What the hub tells of its words to phones."""
        if self.families is None:
            return lambda _: None
        announcements = self.families.announcements
        counts = {kind: announcements.labels(kind).inc for kind in AnnouncementKind}
        return lambda kind: counts[kind]()

    @property
    def shed(self) -> Callable[[Shed], None]:
        """What is told of each request that found no place."""
        if self.families is None:
            return lambda _: None
        counts = {cause: self.families.shed.labels(cause).inc for cause in Shed}
        return lambda cause: counts[cause]()

    @property
    def lag(self) -> Callable[[float], None]:
        """What is told how late the event loop was."""
        return (lambda _: None) if self.families is None else self.families.lag.observe

    def app(
        self, hub: SocketHub, held: HeldPolls, streams: OpenStreams, admission: Gate
    ) -> ASGIApp | None:
        """What answers ``/metrics``; parts are asked for what they keep anyway at each scrape."""
        families = self.families
        if families is None:
            return None

        def look() -> None:
            families.connected.set(hub.connected())
            families.held_polls.set(held.held)
            families.event_streams.set(streams.open)
            families.in_work.set(admission.in_work)
            families.places.set(admission.limit)
            families.waiting.set(admission.waiting)

        return MetricsApp(families.registry, look)


def build_measuring(settings: Settings) -> Measuring:
    """Meters where somebody may scrape, spans where they are wanted, else none."""
    families = None if settings.metrics.port is None else Families()
    return Measuring(families, _tracing(settings.tracing))


def _tracing(settings: TracingSettings) -> "Tracing | None":
    """Spans; nothing of OpenTelemetry is imported where there are none."""
    if not settings.enabled:
        return None
    module = import_module("ciba_service.tracing")
    tracing: Tracing = module.Tracing(trusts_traceparent=settings.trust_traceparent)
    return tracing
