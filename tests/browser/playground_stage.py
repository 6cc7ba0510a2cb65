"""The playground beside a running service and a phone, all in this process and on one clock."""

import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from playwright.async_api import Locator, expect
from playwright.async_api import TimeoutError as NotSeen

from ciba_client.playground.clients import PlaygroundClient, load_clients
from ciba_client.playground.command import Playground, playground
from ciba_client.playground.order import parse_order
from ciba_service.stores.keys import partition_of
from tests.client_time import SharedTime
from tests.ports import free_port
from tests.services.running_service import PLAIN, RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone

SECTIONS: dict[str, dict[str, Any]] = {
    "outbound": {"allow_loopback_http": True},
    "delivery": {"callback_delay_ms": 0},
}


class PassingTime(SharedTime):
    """Each look at it takes a few milliseconds, so that what follows is later."""

    def monotonic(self) -> float:
        """Seconds."""
        self.clock.advance(0.007)
        return super().monotonic()


@dataclass
class Stage:
    """A playground with a client of each mode; ``phone`` is alice's."""

    bank: RunningService
    playground: Playground
    phone: WirePhone
    directory: Path

    @property
    def address(self) -> str:
        """Where the page is, without the secret."""
        return self.playground.address.partition("#")[0].rstrip("/")

    def http(self, **headers: str) -> httpx2.AsyncClient:
        """A program that speaks as the page does."""
        own = {
            "origin": self.address,
            "content-type": "application/json",
            "authorization": f"Bearer {self.playground.secret}",
        }
        given = {name: value for name, value in {**own, **headers}.items() if value}
        return httpx2.AsyncClient(
            base_url=self.address, headers=given, trust_env=False, verify=PLAIN
        )

    async def again(self, attempt: int = 1) -> None:
        """Let the time of the next callback come, after one that failed."""
        due = (await self.bank.telemetry.seen("callback_due", attempt)).fields
        self.bank.clock.advance((int(str(due["again_at"])) - self.bank.clock.now_ms()) / 1000)
        await self.bank.service.worker.work_off(partition_of(str(due["transaction_id"])))


async def passed_until(stage: Stage, shown: Locator) -> None:
    """Let time pass until something is seen: the ledger is looked at every other second."""
    for _ in range(40):
        with contextlib.suppress(NotSeen):
            await shown.first.wait_for(timeout=250)
            return
        stage.bank.clock.advance(2)
    await expect(shown.first).to_be_visible()


def wire_client(name: str, mode: str, endpoint: str, **metadata: Any) -> WireClient:
    """A client as it is registered."""
    called = {} if mode == "poll" else {"backchannel_client_notification_endpoint": endpoint}
    members = {
        "backchannel_token_delivery_mode": mode,
        "grant_types": [CIBA, "refresh_token"],
        "scope": "openid profile",
        **called,
        **metadata,
    }
    return WireClient(name, metadata=members)


def write_client_file(directory: Path, client: WireClient, bank: RunningService) -> Path:
    """Its ``client.toml`` and key; to trust one authority is quicker than to read all of them."""
    trust = str(bank.settings.outbound.ca_bundle)
    key = directory / f"{client.client_id}.jwk"
    key.write_text(json.dumps(client.key.as_dict(private=True)), "utf-8")
    key.chmod(0o600)
    names = {
        "backchannel_token_delivery_mode",
        "backchannel_client_notification_endpoint",
        "dpop_bound_access_tokens",
        "backchannel_user_code_parameter",
    }
    members = {name: value for name, value in client.registration().items() if name in names}
    lines = {"issuer": bank.issuer, "client_id": client.client_id, "key": key.name, **members}
    lines["ca_file"] = trust
    path = directory / f"{client.client_id}.toml"
    path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items()))
    return path


@asynccontextmanager
async def staged(
    run_service: ServiceRunner, directory: Path, *, clients: list[WireClient] | None = None
) -> AsyncIterator[Stage]:
    """Everything up and running: till (poll, DPoP), kiosk (ping), bookshop (push)."""
    async with registered(run_service, directory, clients=clients) as (bank, loaded):
        clock = PassingTime(bank.clock)
        async with playground(loaded, port=0, clock=clock, login_hint="alice") as running:
            yield Stage(bank, running, await bank.enrolled_phone("alice"), directory)


@asynccontextmanager
async def registered(
    run_service: ServiceRunner, directory: Path, *, clients: list[WireClient] | None = None
) -> AsyncIterator[tuple[RunningService, dict[str, PlaygroundClient]]]:
    """The service with the clients, and these as a playground loads them."""
    endpoint = f"http://127.0.0.1:{free_port()}/ciba"
    cast = clients or [
        wire_client("till", "poll", endpoint, dpop_bound_access_tokens=True),
        wire_client("kiosk", "ping", endpoint),
        wire_client("bookshop", "push", endpoint),
    ]
    async with run_service(clients=cast, sections=SECTIONS) as bank:
        files = [write_client_file(directory, client, bank) for client in cast]
        yield bank, load_clients(files, listen=None, warn=_refuse)
        assert bank.telemetry.failures == []


async def shown_program(
    clients: dict[str, PlaygroundClient], bank: RunningService, order: dict[str, Any]
) -> str:
    """What a playground that has ended meanwhile made of an order."""
    async with playground(clients, port=0, clock=PassingTime(bank.clock)) as running:
        return running.flows.start(parse_order(json.dumps(order).encode())).program()


def _refuse(text: str) -> None:
    raise AssertionError(text)
