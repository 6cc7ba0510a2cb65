"""The door out for HTTP, and what goes through it."""

import ssl
from dataclasses import dataclass
from typing import Final

from ciba_service.channels.client_keys import FetchedClientKeys
from ciba_service.channels.outbound import (
    OutboundLimits,
    OutboundOnDemand,
    SystemResolver,
    outbound_context,
)
from ciba_service.protocol.outbound.addresses import AddressPolicy
from ciba_service.settings import OutboundSettings
from ciba_service.wiring.running.measuring import Measuring
from ciba_service.wiring.surroundings import Surroundings

__all__ = ["OutboundParts", "OutboundTls", "build_outbound", "outbound_client"]

_UNMEASURED: Final = Measuring()
# Several clients may be behind one host, and each has four callbacks at once.
_CALLBACKS: Final = OutboundLimits(per_host=16)
# Rare, and asked for by whoever may register.
_SECTORS: Final = OutboundLimits(total=16, suspects=8, idle=0)
# A few push services have nearly all phones; one that is dead leaves half of the places to others.
_WAKE_UPS: Final = OutboundLimits(per_host=64)


@dataclass(frozen=True, slots=True)
class OutboundParts:
    """What asks others, and what must be closed at the end."""

    client_keys: FetchedClientKeys
    key_requests: OutboundOnDemand
    sectors: OutboundOnDemand
    callbacks: OutboundOnDemand
    wake_ups: OutboundOnDemand
    resolvers: tuple[SystemResolver, ...]

    async def aclose(self) -> None:
        """End what is under way."""
        await self.client_keys.aclose()
        await self.key_requests.aclose()
        await self.sectors.aclose()
        await self.callbacks.aclose()
        await self.wake_ups.aclose()
        for resolver in self.resolvers:
            resolver.close()


class OutboundTls:
    """Whom to believe: one for all ways out, since the authorities of a system take a megabyte.

    Those of the system are read when somebody is asked; files that are named, at once.
    """

    def __init__(self, settings: OutboundSettings) -> None:
        """Raises ``OSError`` when a file cannot be read or does not fit."""
        self._settings = settings
        self._made = self._new() if settings.ca_bundle or settings.client_certificate else None

    def __call__(self) -> ssl.SSLContext:
        """The one."""
        if self._made is None:
            self._made = self._new()
        return self._made

    def _new(self) -> ssl.SSLContext:
        settings = self._settings
        return outbound_context(
            ca_bundle=settings.ca_bundle,
            certificate=settings.client_certificate,
            key=settings.client_key,
        )


def outbound_client(
    settings: OutboundSettings,
    tls: OutboundTls,
    resolver: SystemResolver,
    limits: OutboundLimits,
) -> OutboundOnDemand:
    """One way out, for one purpose."""
    return OutboundOnDemand(
        resolver=resolver,
        limits=limits,
        tls=tls,
        policy=AddressPolicy.parse(settings.allowed_networks),
        allow_loopback_http=settings.allow_loopback_http,
    )


def build_outbound(
    settings: OutboundSettings,
    tls: OutboundTls,
    surroundings: Surroundings,
    measuring: Measuring = _UNMEASURED,
) -> OutboundParts:
    """Build the door; nobody is asked before something needs it.

    Each purpose gets a client of its own and a resolver of its own, so that key sets never wait
    behind anything else.
    """
    for_keys, for_sectors, for_callbacks, for_wake_ups = (SystemResolver() for _ in range(4))
    # A key set is asked for so rarely that no connection is worth keeping.
    key_requests = outbound_client(settings, tls, for_keys, OutboundLimits(idle=0))
    return OutboundParts(
        client_keys=FetchedClientKeys(
            measuring.outbound(key_requests, "client_keys"),
            surroundings.clock,
            surroundings.telemetry,
        ),
        key_requests=key_requests,
        sectors=outbound_client(settings, tls, for_sectors, _SECTORS),
        callbacks=outbound_client(settings, tls, for_callbacks, _CALLBACKS),
        wake_ups=outbound_client(settings, tls, for_wake_ups, _WAKE_UPS),
        resolvers=(for_keys, for_sectors, for_callbacks, for_wake_ups),
    )
