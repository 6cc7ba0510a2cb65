"""``ciba-service serve``: listen until told to stop, then stop cleanly."""

import asyncio
import gc
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

import uvicorn

from ciba_service.app import Service, Surroundings, build_service
from ciba_service.commands.opening import open_keys, opened_store, system_surroundings
from ciba_service.commands.outcome import CommandFailed
from ciba_service.commands.serving.bound_addresses import (
    BACKLOG,
    BoundAddresses,
    bound_addresses,
)
from ciba_service.commands.serving.open_files import allow_open_files
from ciba_service.commands.serving.reloading import ConfigurationReload
from ciba_service.commands.serving.signalled_server import SignalledServer
from ciba_service.ending import end
from ciba_service.listening.bounded_http import Crowd, HttpBounds, http_within
from ciba_service.listening.bounded_websocket import BoundedWebSocket
from ciba_service.listening.listeners import Listener
from ciba_service.listening.peer import http_with_peer
from ciba_service.listening.tls.identity import InvalidTlsError, ServerIdentity
from ciba_service.listening.tls.offer import TlsOffer
from ciba_service.listening.tls.ordinary import OrdinaryContext
from ciba_service.sca.messages import LARGEST_FRAME, SUBPROTOCOL
from ciba_service.settings import GrantSettings, OperatorSettings, ServerSettings, Settings
from ciba_service.store_access import OpenStore, failover_risks
from ciba_service.stores.service_keys.current_keys import CurrentKeys
from ciba_service.wiring.running.background import supervise
from ciba_service.wiring.service_keys import ServiceKeys

__all__ = [
    "ServiceBuilder",
    "Ties",
    "check_tls",
    "operator_config",
    "serve",
    "serve_on",
    "server_config",
    "tell_listening",
    "tell_risks",
]

_SHUTDOWN_SECONDS: Final = 10
# New objects between two looks for garbage: after every 700, as the interpreter has it, they took
# some 4 % of a poll's processor time (perf), to go through what the requests under way hold.
_OBJECTS_BETWEEN_LOOKS: Final = 10_000
# Open files beside connections of clients and phones: the store, logs, listeners, whoever is asked.
_OTHER_FILES: Final = 512
# Connections beyond max_connections that operators find room for.
_OPERATORS: Final = 64
# And beyond those, for whoever reads metrics.
_SCRAPERS: Final = 16

ServiceBuilder = Callable[[Settings, OpenStore, ServiceKeys, Surroundings], Service]


def server_config(
    app: object, server: ServerSettings, crowd: Crowd | None = None
) -> uvicorn.Config:
    """How uvicorn is run: bounded heads, no access log, small frames, no compression."""
    bounds = HttpBounds(connections=server.max_connections)
    return uvicorn.Config(
        app,  # type: ignore[arg-type] # any ASGI application
        http=http_with_peer(http_within(bounds, crowd)),
        ws=BoundedWebSocket,
        ws_max_size=LARGEST_FRAME,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


def metrics_config(app: object, server: ServerSettings) -> uvicorn.Config:
    """How the listener for Prometheus is run: it may always connect, and no phone."""
    room = HttpBounds(connections=server.max_connections + _OPERATORS + _SCRAPERS)
    return uvicorn.Config(
        app,  # type: ignore[arg-type] # any ASGI application
        http=http_with_peer(http_within(room)),
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
    )


def operator_config(app: object, server: ServerSettings) -> uvicorn.Config:
    """How a listener for a few is run, operators first: some more may always connect, no phone."""
    room = HttpBounds(connections=server.max_connections + _OPERATORS)
    return uvicorn.Config(
        app,  # type: ignore[arg-type] # any ASGI application
        http=http_with_peer(http_within(room)),
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
    )


@dataclass(frozen=True, slots=True)
class Ties:
    """What ties a worker to its parent.

    ``ready`` is called once it serves; ``follow`` is given what reads the configuration anew and
    what ends the server at once, and returns what a hangup does.
    """

    ready: Callable[[], None] = lambda: None
    follow: Callable[[Callable[[], None], Callable[[], None]], Callable[[], None]] = (
        lambda reload, _: reload
    )


_NONE: Final = Ties()


async def serve(
    settings: Settings,
    read_anew: Callable[[], Settings],
    build: ServiceBuilder = build_service,
) -> None:
    """Own the store and serve until SIGTERM or SIGINT; raises ``CommandFailed``.

    ``read_anew`` reads the configuration when somebody sends a hangup; ``build`` is for those who
    measure the service and wrap what they measure.
    """
    surroundings = system_surroundings()
    keys = CurrentKeys(open_keys(settings))
    async with opened_store(settings, own=True) as store:
        await tell_risks(settings, store, surroundings)
        with bound_addresses(settings) as addresses:
            tell_listening(settings, addresses, surroundings)
            service = build(settings, store, keys, surroundings)
            await serve_on(
                addresses, service, settings, read_anew=read_anew, surroundings=surroundings
            )
    surroundings.telemetry.event("stopped")


async def tell_risks(settings: Settings, store: OpenStore, surroundings: Surroundings) -> None:
    """Say what a failover could lose, or what missing replicas prevent, as ``check`` does."""
    for risk in await failover_risks(settings.store, store):
        surroundings.telemetry.event("store_at_risk", warning=risk)


def tell_listening(
    settings: Settings,
    addresses: BoundAddresses,
    surroundings: Surroundings,
    *,
    workers: int | None = None,
) -> None:
    """Say where the service is."""
    surroundings.telemetry.event(
        "listening",
        issuer=settings.server.issuer,
        host=settings.server.host,
        **addresses.ports(),
        workers=workers,
        device_protocol=SUBPROTOCOL,
        warning=settings.exposure,
    )


async def serve_on(
    addresses: BoundAddresses,
    service: Service,
    settings: Settings,
    *,
    read_anew: Callable[[], Settings],
    surroundings: Surroundings,
    ties: Ties = _NONE,
) -> None:
    """Serve what was built until told to stop, then close the sockets; raises ``CommandFailed``."""
    missing = allow_open_files(settings.server.max_connections + _OTHER_FILES)
    if missing:
        surroundings.telemetry.event("too_few_open_files", missing=missing)
    reload = ConfigurationReload(read_anew, service.reload, surroundings.telemetry)
    try:
        server = SignalledServer(
            server_config(service.app, settings.server, service.crowd),
            _listeners(settings, addresses, service),
            draining=service.drain,
            drain_seconds=settings.server.drain_seconds,
            leaving=service.release,
            ready=ties.ready,
        )
        server.hung_up = ties.follow(reload.ask, server.end_at_once)
        # What is there now stays to the end: no look for garbage need go through it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_OBJECTS_BETWEEN_LOOKS, 20, 50)
        async with _running("configuration", reload.run, surroundings):
            await server.serve()
    except SystemExit as ending:  # uvicorn's way to say that the lifespan did not begin
        raise CommandFailed("the service did not start; the log says why") from ending
    finally:
        addresses.close()


@asynccontextmanager
async def _running(
    name: str, run: Callable[[], Awaitable[None]], surroundings: Surroundings
) -> AsyncIterator[None]:
    """Run a task beside what the block does, begun anew whenever it fails."""
    task = asyncio.create_task(
        supervise(name, run, clock=surroundings.clock, telemetry=surroundings.telemetry)
    )
    try:
        yield
    finally:
        await end([task])


def check_tls(settings: Settings) -> None:
    """Load what the listeners need; raises ``CommandFailed``."""
    _tls(settings, certified=False)
    _tls(settings, certified=settings.mtls.port is not None)
    _own_tls(settings.operator)
    _own_tls(settings.grants)


def _listeners(settings: Settings, addresses: BoundAddresses, service: Service) -> list[Listener]:
    """All of them: the ordinary one, and those that there are; raises ``CommandFailed``."""
    listeners = [Listener(addresses.ordinary, _tls(settings, certified=False))]
    if addresses.mtls is not None:
        listeners.append(Listener(addresses.mtls, _tls(settings, certified=True)))
    if addresses.operator is not None and service.operator_app is not None:
        config = operator_config(service.operator_app, settings.server)
        listeners.append(Listener(addresses.operator, _own_tls(settings.operator), config))
    if addresses.grants is not None and service.grants_app is not None:
        config = operator_config(service.grants_app, settings.server)
        listeners.append(Listener(addresses.grants, _own_tls(settings.grants), config))
    if addresses.metrics is not None and service.metrics_app is not None:
        config = metrics_config(service.metrics_app, settings.server)
        listeners.append(Listener(addresses.metrics, config=config))
    return listeners


def _tls(settings: Settings, *, certified: bool) -> ssl.SSLContext | None:
    """TLS of the ordinary listener, or of that which asks for certificates, if any."""
    server = settings.server
    if server.tls_certificate is None or server.tls_key is None:
        return None
    try:
        identity = ServerIdentity.load(Path(server.tls_certificate), Path(server.tls_key))
        offer = TlsOffer(identity, tls_1_2=server.tls_1_2)
        return _certified(offer) if certified else OrdinaryContext.create(offer)
    except InvalidTlsError as error:
        raise CommandFailed(str(error)) from error


def _certified(offer: TlsOffer) -> ssl.SSLContext:
    """TLS that asks for certificates, by pyOpenSSL, which nobody else needs."""
    module = import_module("ciba_service.listening.tls.client_certificates")
    certified: ssl.SSLContext = module.ClientCertificateContext.create(offer)
    return certified


def _own_tls(listener: OperatorSettings | GrantSettings) -> ssl.SSLContext | None:
    """TLS of a listener with a certificate of its own, if it has one; raises ``CommandFailed``."""
    if listener.tls_certificate is None or listener.tls_key is None:
        return None
    try:
        identity = ServerIdentity.load(Path(listener.tls_certificate), Path(listener.tls_key))
    except InvalidTlsError as error:
        raise CommandFailed(str(error)) from error
    return OrdinaryContext.create(TlsOffer(identity))
