"""``ciba-service serve``: listen until told to stop, then stop cleanly."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from ciba_service.app import Service, Surroundings, build_service
from ciba_service.commands.open_files import allow_open_files
from ciba_service.commands.opening import open_keys, opened_store, system_surroundings
from ciba_service.commands.outcome import CommandFailed, reason
from ciba_service.commands.reloading import ConfigurationReload
from ciba_service.commands.signalled_server import SignalledServer
from ciba_service.listening.bounded_http import Crowd, HttpBounds, http_within
from ciba_service.listening.bounded_websocket import BoundedWebSocket
from ciba_service.listening.listeners import Listener, bound_socket
from ciba_service.listening.peer import http_with_peer
from ciba_service.listening.tls_client_certificates import ClientCertificateContext
from ciba_service.listening.tls_identity import InvalidTlsError, ServerIdentity
from ciba_service.listening.tls_offer import TlsOffer
from ciba_service.listening.tls_ordinary import OrdinaryContext
from ciba_service.sca.messages import LARGEST_FRAME, SUBPROTOCOL
from ciba_service.settings import ServerSettings, Settings
from ciba_service.store_access import OpenStore
from ciba_service.stores.current_keys import CurrentKeys
from ciba_service.wiring.background import supervise
from ciba_service.wiring.service_keys import ServiceKeys

__all__ = ["operator_config", "serve", "server_config"]

_SHUTDOWN_SECONDS: Final = 10
_BACKLOG: Final = 2_048
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
        backlog=_BACKLOG,
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
    """How the listener for operators is run: a few more may always connect, and no phone."""
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
    missing = allow_open_files(settings.server.max_connections + _OTHER_FILES)
    if missing:
        surroundings.telemetry.event("too_few_open_files", missing=missing)
    async with opened_store(settings, own=True) as store:
        service = build(settings, store, keys, surroundings)
        listeners = _listeners(settings)
        operators = _operator_listener(settings, service.operator_app)
        metrics = _metrics_listener(settings, service.metrics_app)
        surroundings.telemetry.event(
            "listening",
            issuer=settings.server.issuer,
            host=settings.server.host,
            port=listeners[0].socket.getsockname()[1],
            mtls_port=listeners[1].socket.getsockname()[1] if listeners[1:] else None,
            operator_port=_port_of(operators),
            metrics_port=_port_of(metrics),
            device_protocol=SUBPROTOCOL,
            warning=settings.exposure,
        )
        listeners.extend(each for each in (operators, metrics) if each is not None)
        reload = ConfigurationReload(read_anew, service.reload, surroundings.telemetry)
        server = SignalledServer(
            server_config(service.app, settings.server, service.crowd),
            listeners,
            draining=service.drain,
            drain_seconds=settings.server.drain_seconds,
            leaving=service.release,
            hung_up=reload.ask,
        )
        # What is there now stays to the end: no look for garbage need go through it again.
        gc.collect()
        gc.freeze()
        try:
            async with _running("configuration", reload.run, surroundings):
                await server.serve()
        except SystemExit as ending:  # uvicorn's way to say that the lifespan did not begin
            raise CommandFailed("the service did not start; the log says why") from ending
        finally:
            for listener in listeners:
                listener.socket.close()
    surroundings.telemetry.event("stopped")


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
        task.cancel()
        await asyncio.wait({task})


def _listeners(settings: Settings) -> list[Listener]:
    """The ordinary listener and, where one is configured, that which asks for certificates."""
    server, mtls = settings.server, settings.mtls
    try:
        offer = _offer(server)
        ordinary = None if offer is None else OrdinaryContext.create(offer)
        listeners = [Listener(_bind(server.host, server.port), ordinary)]
        if mtls.port is not None and offer is not None:
            certified = ClientCertificateContext.create(offer)
            listeners.append(Listener(_bind(mtls.host, mtls.port), certified))
    except InvalidTlsError as error:
        raise CommandFailed(str(error)) from error
    return listeners


def _offer(server: ServerSettings) -> TlsOffer | None:
    if server.tls_certificate is None or server.tls_key is None:
        return None
    identity = ServerIdentity.load(Path(server.tls_certificate), Path(server.tls_key))
    return TlsOffer(identity, tls_1_2=server.tls_1_2)


def _operator_listener(settings: Settings, app: ASGIApp | None) -> Listener | None:
    """Where operators come in, unless there are none; raises ``CommandFailed``."""
    operator = settings.operator
    if app is None:
        return None
    tls = None
    if operator.tls_certificate is not None and operator.tls_key is not None:
        try:
            identity = ServerIdentity.load(Path(operator.tls_certificate), Path(operator.tls_key))
        except InvalidTlsError as error:
            raise CommandFailed(str(error)) from error
        tls = OrdinaryContext.create(TlsOffer(identity))
    bound = _bind(operator.host, operator.port)
    return Listener(bound, tls, operator_config(app, settings.server))


def _metrics_listener(settings: Settings, app: ASGIApp | None) -> Listener | None:
    """Where Prometheus reads, unless figures are not kept; raises ``CommandFailed``."""
    metrics = settings.metrics
    if app is None or metrics.port is None:
        return None
    return Listener(_bind(metrics.host, metrics.port), config=metrics_config(app, settings.server))


def _port_of(listener: Listener | None) -> int | None:
    return None if listener is None else listener.socket.getsockname()[1]


def _bind(host: str, port: int) -> socket.socket:
    try:
        return bound_socket(host, port, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        raise CommandFailed(f"cannot listen on {host}:{port}: {reason(error)}") from error
