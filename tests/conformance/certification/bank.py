"""A provider under certification: both listeners with TLS, real Redis, and a fake clock."""

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
from cryptography.hazmat.primitives.serialization import Encoding

from ciba_service.app import Surroundings, build_service
from ciba_service.clock import SystemClock
from ciba_service.commands.serving.serve import server_config
from ciba_service.listening.listeners import Listener, ListeningServer, bound_socket
from ciba_service.listening.tls.client_certificates import ClientCertificateContext
from ciba_service.listening.tls.ordinary import OrdinaryContext
from ciba_service.settings import parse_settings
from ciba_service.store_access import OpenStore
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.service_keys.current_keys import CurrentKeys
from ciba_service.stores.service_keys.key_files import FileKeys, generate_keys, load_keys
from tests.conformance.certification.answers import Acknowledgement, acknowledgement
from tests.conformance.certification.plan_clients import AUTHORITY, plan_clients
from tests.conformance.certification.registration import permission, register
from tests.conformance.certification.suite_client import Certified, SuiteClient, Variant
from tests.fake_clock import FakeClock
from tests.services.prompt_server import PromptServer
from tests.services.recording_telemetry import RecordingTelemetry
from tests.services.running_service import USERS, RunningService, _toml
from tests.unit.listening.tls.listeners import HOST, authority, offer, server_files
from tests.wire.callback_endpoint import CallbackEndpoint, outbound_section
from tests.wire.phone import WirePhone

CALLBACK_DELAY = 1
"""Seconds: the certification tests approve and wait for the answer to that first."""
WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass
class Bank:
    """The provider as configured, what it publishes, both clients of the plan, and the phone."""

    running: RunningService
    variant: Variant
    metadata: dict[str, Any]
    jwks: dict[str, Any]
    client: SuiteClient
    client2: SuiteClient
    phone: WirePhone
    notifications: CallbackEndpoint
    _stack: AsyncExitStack = field(repr=False)

    @property
    def clock(self) -> FakeClock:
        """The time of everybody."""
        return self.running.clock

    async def connection(self, certified: Certified | None = None) -> httpx2.AsyncClient:
        """Whoever shows this certificate, or none."""
        return await self._stack.enter_async_context(_http(certified))

    async def acknowledged(self, client: SuiteClient, **claims: Any) -> Acknowledgement:
        """An authentication request that succeeds."""
        return acknowledgement(await client.ask(**claims))


@asynccontextmanager
async def certified_bank(
    target: RedisTarget,
    directory: Path,
    variant: Variant,
    notifications: CallbackEndpoint,
    *,
    refreshes: bool = True,
) -> AsyncIterator[Bank]:
    """Run a provider for a plan until the end of the block; its store must be empty.

    ``notifications`` is where both clients are pinged; ``refreshes``: they register for refresh
    tokens.
    """
    sockets = [bound_socket("127.0.0.1", 0, backlog=128) for _ in range(2)]
    port, mtls_port = (each.getsockname()[1] for each in sockets)
    clients = plan_clients(
        variant, directory, notification_endpoint=notifications.url, refreshes=refreshes
    )
    configured = () if variant.is_dynamic else clients
    running = _running(target, directory, configured, ports=(port, mtls_port))
    contexts = _contexts(directory)
    listeners = [Listener(each, tls) for each, tls in zip(sockets, contexts, strict=True)]
    config = server_config(running.service.app, running.settings.server)
    server = _PromptListening(config, listeners)
    serving = asyncio.create_task(server._serve())
    await asyncio.wait_for(running.service.stores.subscription.ready.wait(), 10)
    try:
        async with running.http, AsyncExitStack() as stack:
            bank = await _introduced(running, variant, clients, notifications, stack)
            if not variant.is_dynamic:
                yield bank
                return
            registrations = [await register(client) for client in clients]
            yield bank
            for registration in registrations:
                await registration.remove(running.http)
    finally:
        server.end()
        await serving
        await running.commands.aclose()


class _PromptListening(ListeningServer, PromptServer):
    """Both listeners, ended at once."""


@cache
def _contexts(directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    both = offer(directory)
    return OrdinaryContext.create(both), ClientCertificateContext.create(both)


def _running(
    target: RedisTarget,
    directory: Path,
    clients: Sequence[SuiteClient],
    *,
    ports: tuple[int, int],
) -> RunningService:
    issuer = f"https://{HOST}:{ports[0]}"
    sections = _sections(directory, ports)
    settings = parse_settings(_toml(issuer, clients, USERS, sections), {})  # type: ignore[arg-type]
    clock, telemetry, commands = FakeClock(), RecordingTelemetry(), Commands(connect(target))
    keys = _keys(directory / "keys", made_at=clock.now_ms())
    surroundings = Surroundings(
        clock=clock, store_clock=SystemClock(), random=secrets.token_bytes, telemetry=telemetry
    )
    return RunningService(
        issuer=issuer,
        settings=settings,
        service=build_service(
            settings, OpenStore(commands, target), CurrentKeys(keys), surroundings
        ),
        commands=commands,
        keys=keys,
        clock=clock,
        telemetry=telemetry,
        http=_http(base_url=issuer),
        clients={},
    )


_made: dict[Path, FileKeys] = {}


def _keys(directory: Path, *, made_at: int) -> FileKeys:
    # Made and read once a worker: no module changes them.
    if directory not in _made:
        generate_keys(directory, random=secrets.token_bytes, now=made_at)
        _made[directory] = load_keys(directory)
    return _made[directory]


def _sections(directory: Path, ports: tuple[int, int]) -> dict[str, dict[str, Any]]:
    certificate, key = server_files(directory)
    authorities = directory / "authorities.pem"
    authorities.write_bytes(authority(AUTHORITY).certificate.public_bytes(Encoding.PEM))
    return {
        "server": {
            "port": ports[0],
            "tls_certificate": str(certificate),
            "tls_key": str(key),
            "tls_1_2": True,
        },
        "mtls": {
            "base_url": f"https://{HOST}:{ports[1]}",
            "port": ports[1],
            "authorities": str(authorities),
        },
        "resource": {"enabled": True},
        "outbound": outbound_section(directory),
        "delivery": {"callback_delay_ms": CALLBACK_DELAY * 1000},
        "registration": {
            "enabled": True,
            "scope": "openid accounts",
            "initial_access_tokens": [permission()],
        },
    }


async def _introduced(
    running: RunningService,
    variant: Variant,
    clients: tuple[SuiteClient, SuiteClient],
    notifications: CallbackEndpoint,
    stack: AsyncExitStack,
) -> Bank:
    metadata = (await running.http.get(WELL_KNOWN)).json()
    for client in clients:
        client.metadata, client.clock = metadata, running.clock
        client.resource = f"{running.settings.mtls.base_url}/resource/accounts"
        client.http = await stack.enter_async_context(_http(client.identity))
    return Bank(
        running=running,
        variant=variant,
        metadata=metadata,
        jwks=(await running.http.get(metadata["jwks_uri"])).json(),
        client=clients[0],
        client2=clients[1],
        phone=await running.enrolled_phone("alice"),
        notifications=notifications,
        _stack=stack,
    )


def _http(certified: Certified | None = None, base_url: str = "") -> httpx2.AsyncClient:
    # Stricter than the certification tests, which verify no certificate of a server.
    root = authority().certificate.public_bytes(Encoding.PEM).decode()
    context = ssl.create_default_context(cadata=root)
    if certified is not None:
        context.load_cert_chain(certified.file)
    return httpx2.AsyncClient(base_url=base_url, verify=context, timeout=30)
