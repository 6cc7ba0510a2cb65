"""The bank and the door for its customers' phones at one address, for trying out.

In production the bank runs under gunicorn or whatever it has, ``create_service_of_the_bank().app``
under uvicorn, and a proxy in front sends ``/device`` there.
"""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from ciba_service.embedding import Doors, EmbeddedService, HostPorts, create_service
from ciba_service.integrations.authlib import Portal, ThreadedClients, ThreadedUsers
from examples.authlib_flask.clients import ClientTable
from examples.authlib_flask.customers import find_customer, find_subject
from examples.authlib_flask.views import create_bank

__all__ = ["as_asgi", "create_service_of_the_bank", "create_site"]

HERE = Path(__file__).parent


def create_service_of_the_bank(
    settings: Mapping[str, object], clients: ClientTable
) -> EmbeddedService:
    """The service with the bank's clients and customers, the same in every process."""
    ports = HostPorts(
        users=ThreadedUsers(find_customer, find_subject),
        clients=ThreadedClients(clients.find_registered),
    )
    return create_service(settings, ports=ports, doors=Doors.APPROVAL_BACKEND)


def create_site(
    settings: Mapping[str, object] | None = None, clients: ClientTable | None = None
) -> Starlette:
    """Both in one process, with a service each: as in production they meet in Redis only."""
    settings = settings or tomllib.loads((HERE / "ciba.toml").read_text("utf-8"))
    clients = clients or ClientTable.read(HERE / "clients.toml")
    ciba = Portal(create_service_of_the_bank(settings, clients).entered)
    phones = create_service_of_the_bank(settings, clients)
    bank = create_bank(ciba, clients, phones.settings.server.issuer)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with phones.running():
            yield
            await asyncio.to_thread(ciba.close)

    return Starlette(
        routes=[Mount("/device", phones.app), Mount("/", as_asgi(bank))],
        lifespan=lifespan,
    )


def as_asgi(application: Flask) -> ASGIApp:
    """The bank for an ASGI server."""
    # The two agree on what it is, and differ in how they put it into types.
    return cast("ASGIApp", WSGIMiddleware(cast("Any", application)))
