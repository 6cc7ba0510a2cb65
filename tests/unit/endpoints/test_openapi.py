"""The OpenAPI document describes the service that serves it, path by path and method by method."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.routing import Route, WebSocketRoute

from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.services.whole_service import EVERYTHING
from tests.wire.client import WireClient

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
async def service(run_service: ServiceRunner, till: WireClient) -> AsyncIterator[RunningService]:
    """A service with all that is described."""
    async with run_service(clients=[till], sections=EVERYTHING) as running:
        yield running
        assert running.telemetry.failures == []


async def served(service: RunningService) -> dict[str, Any]:
    """The document as anybody can fetch it."""
    answer = await service.http.get("/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def routes(service: RunningService, kind: type[Route | WebSocketRoute]) -> set[str]:
    """The paths of the application."""
    return {
        route.path for route in service.service.app.app.others.routes if isinstance(route, kind)
    }


async def test_it_may_be_kept_for_a_while(service: RunningService):
    """It is JSON, cacheable, and names the issuer as the server."""
    answer = await service.http.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.json()["servers"] == [{"url": service.issuer}]


async def test_every_route_is_described_and_no_other(service: RunningService):
    """A new endpoint needs its place in docs/openapi.yaml (then ``python -m tools.openapi``)."""
    assert (await served(service))["paths"].keys() == routes(service, Route)


async def test_every_socket_is_mentioned(service: RunningService):
    """OpenAPI has no words for WebSockets; the introduction has."""
    introduction = (await served(service))["info"]["description"]
    sockets = routes(service, WebSocketRoute)
    assert sockets
    assert all(f"`GET {path}`" in introduction for path in sockets)


async def test_every_method_is_described_and_no_other(service: RunningService):
    """Whatever is not described is 405, and ``Allow`` names what is."""
    for path, item in (await served(service))["paths"].items():
        described = {method.upper() for method in item} & set(METHODS)
        for method in METHODS:
            answer = await service.http.request(method, path.replace("{", "").replace("}", ""))
            where = f"{method} {path}"
            assert (answer.status_code != 405) == (method in described), where
            if answer.status_code == 405:
                allowed = set(answer.headers["allow"].split(", "))
                assert allowed - {"HEAD"} == described, where
