"""Security events: who takes note of them, and everywhere they go."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ciba_service.channels.event_lines import EventFile, EventOutput
from ciba_service.channels.outbound import OutboundLimits, OutboundOnDemand, SystemResolver
from ciba_service.flow.due.store_time import StoreTime
from ciba_service.flow.security_events.pushes import SetPushes
from ciba_service.flow.security_events.receiver import EventReceiver, SetQueue
from ciba_service.flow.security_events.recent import RecentEventsSink
from ciba_service.flow.security_events.recorder import EventRecorder
from ciba_service.flow.security_events.watched import LoggedEvents, WatchedTelemetry
from ciba_service.ports import EventSink, SecurityEvents
from ciba_service.settings import STANDARD_OUTPUT, EventReceiverSettings, Settings
from ciba_service.stores.operators.set_outbox import RedisSetOutbox
from ciba_service.wiring.outbound import OutboundTls, outbound_client
from ciba_service.wiring.running.measuring import Measuring
from ciba_service.wiring.service_keys import ServiceKeys
from ciba_service.wiring.stores import Stores
from ciba_service.wiring.surroundings import Surroundings

__all__ = ["EventParts", "build_events", "build_recorder", "watched"]

_HOUR_MS: Final = 3_600_000
_LAST_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class EventParts:
    """The recorder, and one task for each receiver."""

    recorder: EventRecorder
    pushes: tuple[SetPushes, ...]
    client: OutboundOnDemand
    resolver: SystemResolver

    async def aclose(self) -> None:
        """Write what still waits, in three seconds at most, and end what is under way."""
        self.recorder.tell_suppressed(is_last=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await self.recorder.flush()
        await self.client.aclose()
        self.resolver.close()


def build_recorder(
    settings: Settings,
    stores: Stores,
    surroundings: Surroundings,
    arrivals: Sequence[asyncio.Event],
    *,
    prints: bool,
    on_arrival: Callable[[], None],
) -> EventRecorder:
    """What writes events to their file, for operators, and lets them wait for each receiver.

    ``arrivals`` has an event for each of them, ``on_arrival`` is called when operators may see
    more. Unless it ``prints``, what would go to standard output goes to the log.
    """
    recent = RecentEventsSink(stores.recent_events, clock=surroundings.clock, on_arrival=on_arrival)
    store_time = StoreTime(stores.health, surroundings.store_clock)
    queues = (
        SetQueue(
            _receiver(receiver),
            outbox,
            store_time=store_time,
            clock=surroundings.clock,
            arrived=arrived,
        )
        for receiver, outbox, arrived in _triples(settings, stores, arrivals)
    )
    return EventRecorder(
        [
            _lines(settings.security_events.file, surroundings, prints=prints),
            *([recent] if settings.operators else []),
            *queues,
        ],
        random=surroundings.random,
        clock=surroundings.clock,
        store_clock=surroundings.store_clock,
        telemetry=surroundings.telemetry,
    )


def build_events(
    settings: Settings,
    stores: Stores,
    keys: ServiceKeys,
    surroundings: Surroundings,
    *,
    tls: OutboundTls,
    measuring: Measuring,
    on_arrival: Callable[[], None],
) -> EventParts:
    """Build the recorder of a service and its pushes; ``surroundings`` have the log alone.

    ``on_arrival`` is called when operators may see more.
    """
    arrivals = [asyncio.Event() for _ in stores.outboxes]
    recorder = build_recorder(
        settings, stores, surroundings, arrivals, prints=True, on_arrival=on_arrival
    )
    resolver = SystemResolver()
    client = outbound_client(settings.outbound, tls, resolver, OutboundLimits())
    telemetry = watched(surroundings, recorder).telemetry
    pushes = (
        SetPushes(
            _receiver(receiver),
            issuer=settings.server.issuer,
            outbox=outbox,
            outbound=measuring.outbound(client, "security_event"),
            keys=keys,
            random=surroundings.random,
            store_time=StoreTime(stores.health, surroundings.store_clock),
            clock=surroundings.clock,
            arrived=arrived,
            telemetry=telemetry,
        )
        for receiver, outbox, arrived in _triples(settings, stores, arrivals)
    )
    return EventParts(recorder, tuple(pushes), client, resolver)


def _triples(
    settings: Settings, stores: Stores, arrivals: Sequence[asyncio.Event]
) -> Iterator[tuple[EventReceiverSettings, RedisSetOutbox, asyncio.Event]]:
    return zip(settings.security_events.receivers, stores.outboxes, arrivals, strict=True)


def watched(surroundings: Surroundings, events: SecurityEvents) -> Surroundings:
    """The same surroundings, whose security events go to ``events``."""
    return replace(surroundings, telemetry=WatchedTelemetry(surroundings.telemetry, events))


def _lines(file: str | None, surroundings: Surroundings, *, prints: bool) -> EventSink:
    if file is not None and file != STANDARD_OUTPUT:
        return EventFile(Path(file))
    if file is not None and prints:
        return EventOutput(sys.stdout.buffer)
    return LoggedEvents(surroundings.telemetry)


def _receiver(settings: EventReceiverSettings) -> EventReceiver:
    return EventReceiver(
        name=settings.name,
        url=settings.url,
        audience=settings.audience or settings.url,
        token=settings.token,
        kinds=frozenset(settings.kinds),
        kept=settings.keep_hours * _HOUR_MS,
    )
