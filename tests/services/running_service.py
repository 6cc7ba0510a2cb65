"""The whole service in this process: real HTTP, WebSocket and Redis, and a fake clock."""

import asyncio
import json
import secrets
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from cryptography.hazmat.primitives.serialization import Encoding

from ciba_service.app import Service, Surroundings, build_service
from ciba_service.channels.hub import SocketHub
from ciba_service.clock import SystemClock
from ciba_service.commands.serving.serve import server_config
from ciba_service.flow.phones.device_approval import DeviceApproval
from ciba_service.flow.phones.phone_notices import PhoneNotices
from ciba_service.listening.listeners import bound_socket
from ciba_service.ports import Activation, RiskPolicy
from ciba_service.sca.factors.activation import new_activation_code, normal_code
from ciba_service.sca.phones.devices import user_tag
from ciba_service.settings import Settings, parse_settings
from ciba_service.store_access import OpenStore, durable_commands
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.service_keys.current_keys import CurrentKeys
from ciba_service.stores.service_keys.key_files import FileKeys, generate_keys, load_keys
from tests.fake_clock import FakeClock
from tests.services.prompt_server import PromptServer
from tests.services.recording_telemetry import RecordingTelemetry
from tests.unit.protocol.client.certificates.authority import self_signed
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone

_KEYS: dict[bytes, FileKeys] = {}

BRIEF = httpx2.Limits(keepalive_expiry=3.0)
"""Connections are given up before the service does so: what goes out in that moment is lost."""
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Of clients that speak plain HTTP: it believes nobody, and is made at once."""

PATIENCE_MS = 10_000
"""A machine that is busy with tests is no reason to send requests away."""

USERS = ({"sub": "alice", "login_hints": ["alice@example.org"]}, {"sub": "bob"})


@dataclass
class RunningService:
    """A service that answers at ``issuer``."""

    issuer: str
    settings: Settings
    service: Service
    commands: Commands
    keys: FileKeys
    clock: FakeClock
    telemetry: RecordingTelemetry
    http: httpx2.AsyncClient
    clients: dict[str, WireClient]
    phones: list[WirePhone] = field(default_factory=list)

    @property
    def till(self) -> WireClient:
        """The client that most tests use."""
        return self.clients["till"]

    async def activation_code(
        self, subject: str, second_secret: str | None = None, *, further: bool | None = None
    ) -> str:
        """A fresh activation code, for a further phone if the user has one."""
        code = new_activation_code(secrets.token_bytes)
        if further is None:
            further = bool(await self.service.stores.devices.list(user_tag(subject)))
        until = self.clock.now_ms() + 600_000
        await self.service.stores.activations.put(
            normal_code(code), Activation(subject, further), second_secret, until=until
        )
        return code

    def phone(self) -> WirePhone:
        """A phone that is not enrolled yet."""
        return WirePhone(self.http, self.issuer, self.clock)

    async def enrolled_phone(self, subject: str = "alice", name: str = "Phone") -> WirePhone:
        """A phone of a user; a further one is approved by the first."""
        phone = self.phone()
        await phone.enrol(await self.activation_code(subject), name=name)
        await self.approve_waiting(subject)
        return phone

    def approval(self) -> DeviceApproval:
        """The step by which phones that wait are approved."""
        stores = self.service.stores
        hub = SocketHub(stores.broadcast)
        return DeviceApproval(
            waiting=stores.waiting_devices,
            notices=PhoneNotices(notices=stores.notices, hub=hub, clock=self.clock),
            hub=hub,
            new_operation=partial(secrets.token_urlsafe, 16),
            clock=self.clock,
            telemetry=self.telemetry,
        )

    async def approve_waiting(self, subject: str) -> None:
        """Approve what waits for a user, as by an order of the user's first phone."""
        approval, tag = self.approval(), user_tag(subject)
        first, *_ = await self.service.stores.devices.list(tag)
        for each in await approval.waiting(tag):
            assert await approval.approve_for(
                first.device_id, each.device_id, key=each.key, operation=secrets.token_urlsafe(16)
            )


def _loaded(directory: Path) -> FileKeys:
    """The keys of a directory; to verify a key of RSA takes long, and most tests have the same."""
    content = b"".join(path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file())
    if content not in _KEYS:
        _KEYS[content] = load_keys(directory)
    return _KEYS[content]


@asynccontextmanager
async def running_service(
    target: RedisTarget,
    keys_directory: Path,
    *,
    clients: Sequence[WireClient],
    users: Sequence[dict[str, Any]] = USERS,
    sections: dict[str, dict[str, Any]] | None = None,
    hint_issuers: Sequence[dict[str, Any]] = (),
    key_ring: Callable[[FileKeys], CurrentKeys] = CurrentKeys,
    risk: RiskPolicy | None = None,
    port: int = 0,
    clock: FakeClock | None = None,
) -> AsyncIterator[RunningService]:
    """Run a service over ``target`` until the end of the block.

    ``port`` and ``clock`` are those of one that ran before, and is to be there again.
    """
    listener = bound_socket("127.0.0.1", port, backlog=128)
    issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
    merged = _apart(sections or {}, keys_directory.parent)
    settings = parse_settings(_toml(issuer, clients, users, merged, hint_issuers), {})
    clock, telemetry = clock or FakeClock(), RecordingTelemetry()
    generate_keys(keys_directory, random=secrets.token_bytes, now=clock.now_ms())
    keys = _loaded(keys_directory)
    commands = Commands(connect(target))
    surroundings = Surroundings(
        clock=clock,
        store_clock=SystemClock(),
        random=secrets.token_bytes,
        telemetry=telemetry,
        risk=risk,
    )
    durable = durable_commands(settings.store, target)
    store = OpenStore(commands, target, durable)
    service = build_service(settings, store, key_ring(keys), surroundings)
    server = PromptServer(server_config(service.app, settings.server, service.crowd))
    server.config.setup_event_loop = lambda: None  # type: ignore[method-assign]
    serving = asyncio.create_task(server._serve(sockets=[listener]))
    await asyncio.wait_for(service.stores.subscription.ready.wait(), 10)
    try:
        async with httpx2.AsyncClient(
            base_url=issuer, verify=PLAIN, timeout=None, limits=BRIEF
        ) as http:
            for client in clients:
                client.issuer, client.clock, client.http = issuer, clock, http
            yield RunningService(
                issuer=issuer,
                settings=settings,
                service=service,
                commands=commands,
                keys=keys,
                clock=clock,
                telemetry=telemetry,
                http=http,
                clients={client.client_id: client for client in clients},
            )
    finally:
        server.end()
        await serving
        if durable is not None:
            await durable.aclose()
        await commands.aclose()


def _apart(sections: dict[str, dict[str, Any]], parent: Path) -> dict[str, dict[str, Any]]:
    """Evidence and trust of its own for each service, unless it is told where they are."""
    defaults = {
        "evidence": {"directory": tempfile.mkdtemp(prefix="evidence-", dir=parent)},
        "outbound": {"ca_bundle": str(_one_authority(parent))},
    }
    return sections | {name: each | sections.get(name, {}) for name, each in defaults.items()}


def _one_authority(parent: Path) -> Path:
    """A file of one authority: to read all of the system's takes as long as all the rest."""
    path = parent / "authority.pem"
    if not path.exists():
        path.write_bytes(self_signed("nobody", days=(-1, 36_500)).public_bytes(Encoding.PEM))
    return path


def _toml(
    issuer: str,
    clients: Sequence[WireClient],
    users: Sequence[dict[str, Any]],
    sections: dict[str, Any],
    hint_issuers: Sequence[dict[str, Any]] = (),
) -> str:
    merged = {"server": {"issuer": issuer}, **sections}
    merged["server"] = {"issuer": issuer, "request_wait_ms": PATIENCE_MS, **merged["server"]}
    lines = []
    for name, members in merged.items():
        if isinstance(members, dict):
            lines += [f"[{name}]", _table(members)]
        else:
            lines += [line for table in members for line in (f"[[{name}]]", _table(table))]
    for user in users:
        lines += ["[[users]]", _table(user)]
    for client in clients:
        lines += ["[[clients]]", _table(client.registration())]
    for hint_issuer in hint_issuers:
        lines += ["[[login_hint_issuers]]", _table(hint_issuer)]
    return "\n".join(lines)


def _table(members: dict[str, Any]) -> str:
    return "\n".join(f"{key} = {_value(value)}" for key, value in members.items())


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return json.dumps(value)
