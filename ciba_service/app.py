"""The composition root: one application out of all parts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final, assert_never

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from ciba_service.channels.hub import SocketHub
from ciba_service.endpoints.hot_paths import HotPaths
from ciba_service.endpoints.outermost import Outermost
from ciba_service.endpoints.post import PostEndpoint
from ciba_service.endpoints.request_log import EndpointNames, ObservedRequests
from ciba_service.flow.asking.open_streams import OpenStreams
from ciba_service.flow.due.delivery import CallbackDelivery
from ciba_service.flow.due.due_work import DueWorker
from ciba_service.flow.due.evidence_draining import EvidenceDrainer
from ciba_service.flow.granting.grant_answers import GrantAnswers
from ciba_service.flow.granting.held_polls import HeldPolls
from ciba_service.flow.host_steps import HostSteps
from ciba_service.flow.security_events.recorder import EventRecorder
from ciba_service.listening.admission.gate import Gate
from ciba_service.listening.bounded_http import Crowd
from ciba_service.listening.proxy_certificates import ProxyCertificates
from ciba_service.protocol.client.certificates.proxies import TrustedProxies
from ciba_service.protocol.errors import InvalidRequestError, NotFoundError
from ciba_service.protocol.metadata import ProviderMetadata
from ciba_service.settings import Doors, Settings
from ciba_service.store_access import OpenStore
from ciba_service.wiring.doors.device_door import device_routes
from ciba_service.wiring.doors.grant_door import grant_answers, grant_app, grant_routes
from ciba_service.wiring.doors.hosting import host_steps
from ciba_service.wiring.doors.oauth_door import approval_routes, oauth_routes
from ciba_service.wiring.host_ports import HostPorts
from ciba_service.wiring.parts import Parts, build_parts
from ciba_service.wiring.running.admission import LIVE_PATH, READY_PATH, build_admission
from ciba_service.wiring.running.background import Background
from ciba_service.wiring.running.health import build_health
from ciba_service.wiring.running.loading import load_ahead
from ciba_service.wiring.running.measuring import build_measuring
from ciba_service.wiring.running.reloading import Reloaded, Reloading
from ciba_service.wiring.service_keys import ServiceKeys
from ciba_service.wiring.stores import Stores, build_stores
from ciba_service.wiring.surroundings import Surroundings

__all__ = ["Service", "Stores", "Surroundings", "build_service", "build_stores"]

_NO_HOST: Final = HostPorts()


@dataclass(frozen=True, slots=True)
class Service:
    """The ASGI application, and its parts for those who embed it.

    ``crowd`` is for the HTTP protocol: what says which requests the application refuses anyhow.
    ``operator_app``, ``grants_app`` and ``metrics_app`` belong on listeners of their own; None
    where there are none. ``lifespan`` must run while it serves, if nobody runs that of ``app``.
    """

    app: ASGIApp
    crowd: Crowd
    operator_app: ASGIApp | None
    grants_app: ASGIApp | None
    metrics_app: ASGIApp | None
    stores: Stores
    worker: DueWorker
    drainer: EvidenceDrainer
    delivery: CallbackDelivery
    hub: SocketHub
    events: EventRecorder
    held: HeldPolls
    streams: OpenStreams
    steps: HostSteps
    grants: GrantAnswers
    admission: Gate
    leaving: asyncio.Event
    keys: ServiceKeys
    reload: Callable[[Settings], Reloaded]
    missing: Callable[[], Awaitable[str | None]]
    lifespan: Callable[[], AbstractAsyncContextManager[None]]

    def drain(self) -> None:
        """The process will end: be ready for nothing new, and go on serving what comes."""
        self.leaving.set()

    def release(self) -> None:
        """The process ends: keep nobody waiting for what may happen."""
        self.held.close()
        self.streams.close()


def build_service(
    settings: Settings,
    store: OpenStore,
    keys: ServiceKeys,
    surroundings: Surroundings,
    *,
    host: HostPorts = _NO_HOST,
) -> Service:
    """Build the service; nothing runs before the application's lifespan begins.

    ``host`` takes the place of parts.
    """
    measuring = build_measuring(settings)
    measuring.observe_store(store)
    stores = build_stores(settings, store, keys.ring, surroundings, measuring)
    parts = build_parts(settings, stores, keys, surroundings, measuring, host=host)
    load_ahead(parts)
    reloading = Reloading(parts)
    has_grant_listener = settings.grants.port is not None
    routes = [
        *_client_routes(parts, lambda: reloading.metadata),
        *device_routes(parts),
        *([] if has_grant_listener else grant_routes(parts)),
        *_health_routes(parts),
    ]
    names = EndpointNames(routes, below=parts.endpoints.path(""))
    # Inside Starlette's own last handler, which would answer in plain text.
    around = [
        Middleware(
            ObservedRequests,
            names=names,
            telemetry=parts.log,
            meter=measuring.requests,
        ),
        *([] if measuring.tracing is None else [measuring.tracing.requests(names.of)]),
        Middleware(Outermost, telemetry=parts.surroundings.telemetry),
        Middleware(
            ProxyCertificates,
            proxies=TrustedProxies.parse(settings.mtls.proxies),
            escaped_pem_header=settings.mtls.certificate_header,
        ),
    ]
    background = Background(parts)
    app = Starlette(
        routes=routes,
        middleware=around,
        exception_handlers={HTTPException: _http_exception},
        lifespan=background.lifespan,
    )
    app.router.redirect_slashes = False
    hot = HotPaths(app, _hot(routes, around))
    admitting = build_admission(hot, parts.admission, settings, parts.endpoints)
    return Service(
        app=admitting,
        crowd=admitting,
        operator_app=reloading.operators,
        grants_app=grant_app(parts) if has_grant_listener else None,
        metrics_app=measuring.app(parts.hub, parts.held, parts.streams, parts.admission),
        stores=stores,
        worker=parts.worker,
        drainer=parts.drainer,
        delivery=parts.delivery,
        hub=parts.hub,
        events=parts.events.recorder,
        held=parts.held,
        streams=parts.streams,
        steps=host_steps(parts),
        grants=grant_answers(parts),
        admission=parts.admission,
        leaving=parts.leaving,
        keys=parts.keys,
        reload=reloading.apply,
        missing=build_health(parts).missing,
        lifespan=partial(background.lifespan, app),
    )


def _hot(routes: Sequence[BaseRoute], around: Sequence[Middleware]) -> dict[str, ASGIApp]:
    """The endpoints that are plain ASGI, with the same middleware around each."""
    hot: dict[str, ASGIApp] = {}
    for route in routes:
        if isinstance(route, Route) and isinstance(route.endpoint, PostEndpoint):
            app: ASGIApp = route.endpoint
            for layer in reversed(around):
                app = layer.cls(app, *layer.args, **layer.kwargs)
            hot[route.path] = app
    return hot


def _client_routes(parts: Parts, metadata: Callable[[], ProviderMetadata]) -> list[Route]:
    match parts.settings.server.doors:
        case Doors.WHOLE:
            return oauth_routes(parts, metadata)
        case Doors.APPROVAL_BACKEND:
            return approval_routes(parts)
        case _:
            assert_never(parts.settings.server.doors)


def _health_routes(parts: Parts) -> list[Route]:
    health = build_health(parts)
    return [
        Route(LIVE_PATH, health.live, methods=["GET"]),
        Route(READY_PATH, health.ready, methods=["GET"]),
    ]


async def _http_exception(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    wrong = NotFoundError if status == HTTPStatus.NOT_FOUND else InvalidRequestError
    return JSONResponse(
        {"error": wrong.error, "error_description": wrong.description},
        status,
        {"cache-control": "no-store", **(headers or {})},
    )
