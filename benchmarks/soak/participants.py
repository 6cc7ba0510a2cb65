"""Who takes part: registered clients with their endpoints, users, and phones that are enrolled."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from benchmarks.soak.callbacks import CallbackEndpoint
from benchmarks.soak.clients import Client
from benchmarks.soak.decisions import Identity, ServiceKeys
from benchmarks.soak.history import History
from benchmarks.speed.signing import Es256Key
from tests.services.running_service import PLAIN
from tests.services.service_process import WallClock
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone

__all__ = ["Registered", "clients_of", "enrolled", "registered", "user_name", "users"]

_CLIENTS_OF_A_MODE: Final = 6
_AT_ONCE: Final = 8


@dataclass(frozen=True)
class Registered:
    """A client, as the configuration has it, and the key that it signs with."""

    mode: str
    wire: WireClient
    key: Es256Key


async def registered(stack: AsyncExitStack, endpoint: CallbackEndpoint) -> list[Registered]:
    """Some for each delivery mode; those that are called back have an endpoint that listens."""
    found = []
    for mode in ("poll", "ping", "push"):
        for number in range(_CLIENTS_OF_A_MODE):
            key = Es256Key.generate("key-1")
            metadata: dict[str, Any] = {
                "backchannel_token_delivery_mode": mode,
                "polling_interval": 0,
                "jwks": {"keys": [key.jwk()]},
            }
            if mode != "poll":
                address = f"127.0.{1 + (mode == 'push')}.{number + 1}"
                url = await stack.enter_async_context(endpoint.served(address))
                metadata["backchannel_client_notification_endpoint"] = url
            found.append(Registered(mode, WireClient(f"{mode}-{number}", metadata=metadata), key))
    return found


def clients_of(
    all_of_them: Sequence[Registered], issuer: str, history: History
) -> dict[str, list[Client]]:
    """Who plays them, by delivery mode."""
    clients: dict[str, list[Client]] = {}
    for each in all_of_them:
        client = Client(each.wire.client_id, each.key, issuer, history)
        clients.setdefault(each.mode, []).append(client)
    return clients


def user_name(number: int) -> str:
    """Of a user."""
    return f"user-{number}"


def _code(number: int) -> str:
    return f"SOAK-PHONE-{number:05d}"


def users(number: int) -> list[dict[str, str]]:
    """So many of them, as the configuration has them."""
    return [{"sub": user_name(each), "activation_code": _code(each)} for each in range(number)]


async def enrolled(number_of_users: int, issuer: str) -> list[Identity]:
    """A phone for each user, a few at a time."""
    numbers = iter(range(number_of_users))
    found: dict[int, Identity] = {}

    async def enrol_some(http: httpx2.AsyncClient) -> None:
        for number in numbers:
            phone = await WirePhone(http, issuer, WallClock()).enrol(_code(number))  # type: ignore[arg-type]
            key = Es256Key.load(phone.key.as_pem(private=True), "phone")
            found[number] = Identity(
                user=user_name(number),
                issuer=issuer,
                device_id=phone.device_id,
                key=key,
                pin_key=phone.pin_key,
                service=ServiceKeys(phone.service_keys),
            )

    async with httpx2.AsyncClient(base_url=issuer, verify=PLAIN, timeout=60) as http:
        await asyncio.gather(*(enrol_some(http) for _ in range(_AT_ONCE)))
    return [found[number] for number in sorted(found)]
