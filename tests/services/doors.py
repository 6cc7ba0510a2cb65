"""The two doors of clients: our own endpoints, and those of a bank built with Flask and Authlib."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount

from ciba_service.clock import SystemClock
from ciba_service.embedding import Doors, HostPorts, Surroundings, create_service
from ciba_service.integrations.authlib import Portal, ThreadedClients, ThreadedUsers
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.service_keys.current_keys import CurrentKeys
from examples.authlib_flask.clients import ClientTable
from examples.authlib_flask.customers import find_customer, find_subject
from examples.authlib_flask.site import as_asgi
from examples.authlib_flask.views import create_bank
from tests.fake_clock import FakeClock
from tests.ports import free_port
from tests.redis.servers import flush_all
from tests.services.hosts import serving_host, settings_for
from tests.services.recording_telemetry import RecordingTelemetry
from tests.services.running_service import _loaded
from tests.services.service_fixtures import ServiceRunner
from tests.shared_clock import SharedClock
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone


@dataclass
class Door:
    """Whichever it is: clients that send the same, a phone of ``subject``, and a clock."""

    issuer: str
    http: httpx2.AsyncClient
    clock: FakeClock
    telemetry: RecordingTelemetry
    subject: str
    phone: WirePhone
    bank: Flask | None = None

    async def start(self, client: WireClient, **claims: Any) -> httpx2.Response:
        """Ask for the one who has the phone."""
        return await client.start(**{"login_hint": self.subject, **claims})

    async def started(self, client: WireClient, **claims: Any) -> str:
        """The same, when nothing is wrong with it."""
        answer = await self.start(client, **claims)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["auth_req_id"])


@asynccontextmanager
async def own_door(
    run_service: ServiceRunner, clients: Sequence[WireClient], sections: dict[str, Any]
) -> AsyncIterator[Door]:
    """The endpoints of the service itself."""
    async with run_service(clients=clients, sections=sections) as running:
        phone = await running.enrolled_phone("alice")
        yield Door(running.issuer, running.http, running.clock, running.telemetry, "alice", phone)


@asynccontextmanager
async def authlib_door(
    target: RedisTarget, keys: Path, clients: Sequence[WireClient], sections: dict[str, Any]
) -> AsyncIterator[Door]:
    """The endpoints of the example bank; phones have a service of their own, as in production."""
    await flush_all(target)
    port, clock, telemetry = free_port(), SharedClock(), RecordingTelemetry()
    table = ClientTable([client.registration() for client in clients])
    surroundings = Surroundings(
        clock=clock,
        store_clock=SystemClock(),
        random=secrets.token_bytes,
        telemetry=telemetry,
    )
    settings = settings_for(target, keys, f"http://127.0.0.1:{port}", **sections)
    service, phones = (
        create_service(
            settings,
            ports=HostPorts(
                users=ThreadedUsers(find_customer, find_subject),
                clients=ThreadedClients(table.find_registered),
            ),
            doors=Doors.APPROVAL_BACKEND,
            surroundings=surroundings,
            keys=CurrentKeys(_loaded(keys)),
        )
        for _ in range(2)
    )
    portal = Portal(service.entered)
    bank = create_bank(portal, table, f"http://127.0.0.1:{port}", now=clock.now)
    site = Starlette(
        routes=[Mount("/device", phones.app), Mount("/", as_asgi(bank))], lifespan=phones.lifespan
    )
    try:
        async with serving_host(site, port) as host:
            host.clock = clock
            host.lend(*clients)
            issued = (await host.http.post("/customers/4711/phones")).json()
            phone = await host.phone.enrol(issued["activation_code"])
            yield Door(host.issuer, host.http, clock, telemetry, "4711", phone, bank)
    finally:
        portal.close()
