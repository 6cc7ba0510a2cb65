"""Meters around parts: imported, with the library behind them, only where somebody may scrape."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from starlette.types import ASGIApp

from ciba_service.channels.hub import SocketHub
from ciba_service.flow.asking.open_streams import OpenStreams
from ciba_service.flow.granting.held_polls import HeldPolls
from ciba_service.listening.admission.gate import Gate, Shed
from ciba_service.metrics.exposition import MetricsApp
from ciba_service.metrics.families import Families
from ciba_service.metrics.meters import HttpMeter, MeteredOutbound, StoreMeter
from ciba_service.metrics.telemetry import CountedEvents, MeteredTelemetry
from ciba_service.ports import AnnouncementKind, Outbound, SecurityEvents
from ciba_service.stores.driver.commands import Commands
from ciba_service.wiring.surroundings import Surroundings

__all__ = ["Meters"]


@dataclass(frozen=True, slots=True)
class Meters:
    """All meters of a process, and what tells their figures."""

    families: Families = field(default_factory=Families)

    @property
    def requests(self) -> HttpMeter:
        """What counts requests."""
        return HttpMeter(self.families)

    def observe_store(self, commands: Commands) -> None:
        """Count what goes to Redis."""
        commands.observer = StoreMeter(self.families)

    def surroundings(self, surroundings: Surroundings) -> Surroundings:
        """The same surroundings, whose events are counted."""
        metered = MeteredTelemetry(surroundings.telemetry, self.families)
        return replace(surroundings, telemetry=metered)

    def security_events(self, events: SecurityEvents) -> SecurityEvents:
        """The same way for security events, counted."""
        return CountedEvents(events, self.families)

    def outbound(self, outbound: Outbound, purpose: str) -> Outbound:
        """The same door out, measured."""
        return MeteredOutbound(outbound, purpose, self.families)

    @property
    def announced(self) -> Callable[[AnnouncementKind], None]:
        """What the hub tells of its words to phones."""
        announcements = self.families.announcements
        counts = {kind: announcements.labels(kind).inc for kind in AnnouncementKind}
        return lambda kind: counts[kind]()

    @property
    def shed(self) -> Callable[[Shed], None]:
        """What is told of each request that found no place."""
        counts = {cause: self.families.shed.labels(cause).inc for cause in Shed}
        return lambda cause: counts[cause]()

    @property
    def lag(self) -> Callable[[float], None]:
        """What is told how late the event loop was."""
        return self.families.lag.observe

    def app(
        self, hub: SocketHub, held: HeldPolls, streams: OpenStreams, admission: Gate
    ) -> ASGIApp:
        """What answers ``/metrics``; parts are asked for what they keep anyway at each scrape."""
        families = self.families

        def look() -> None:
            families.connected.set(hub.connected())
            families.held_polls.set(held.held)
            families.event_streams.set(streams.open)
            families.in_work.set(admission.in_work)
            families.places.set(admission.limit)
            families.waiting.set(admission.waiting)

        return MetricsApp(families.registry, look)
