"""``ciba-service clients``: who registered, permission to register, suspension, removal."""

import hashlib
import secrets
import sys
from typing import Final

import msgspec

from ciba_service.commands.opening import open_stores, system_surroundings
from ciba_service.commands.operating.operator_write import operator_write
from ciba_service.commands.outcome import CommandFailed, print_rows, written
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.security_events.kinds import Actor, ClientRemoved
from ciba_service.settings import Settings

__all__ = ["list_clients", "new_initial_access_token", "remove_client", "suspend_client"]

_TOKEN_BYTES: Final = 32


class _ClientRow(msgspec.Struct, frozen=True):
    client_id: str
    name: str
    profile: str
    mode: str
    origin: str
    since: str


class _TokenRow(msgspec.Struct, frozen=True):
    initial_access_token: str
    sha256: str


async def list_clients(settings: Settings, *, as_json: bool) -> None:
    """Print every client, those of the configuration first."""
    rows = [
        _ClientRow(
            client.client_id,
            client.name,
            client.profile.name,
            client.delivery_mode,
            "configured",
            "",
        )
        for client in settings.clients
    ]
    async with open_stores(settings) as stores:
        for registration in await stores.registrations.all():
            client = registration.client
            since = written(registration.issued_at * 1000)
            rows.append(
                _ClientRow(
                    client.client_id,
                    client.name,
                    client.profile.name,
                    client.delivery_mode,
                    "registered",
                    since,
                )
            )
    print_rows(rows, as_json=as_json)


async def suspend_client(settings: Settings, client_id: str, *, enabled: bool) -> None:
    """Disable or enable a registered client; raises ``CommandFailed`` when there is none."""
    action = "clients enable" if enabled else "clients disable"
    async with (
        open_stores(settings) as stores,
        operator_write(settings, stores, action, client_id=client_id),
    ):
        if not await stores.registrations.suspend(client_id, enabled=enabled):
            raise _not_registered(settings, client_id)
    sys.stdout.write(f"{client_id} is {'enabled' if enabled else 'disabled'}\n")


async def remove_client(settings: Settings, client_id: str) -> None:
    """Remove a registered client; raises ``CommandFailed`` when there is none of that name."""
    surroundings = system_surroundings()
    async with (
        open_stores(settings) as stores,
        operator_write(settings, stores, "clients remove", client_id=client_id) as telemetry,
    ):
        operation = surroundings.new_operation()
        if not await stores.registrations.remove(client_id, operation=operation):
            raise _not_registered(settings, client_id)
        telemetry.event("client_removed", client_id=client_id, by="operator")
        telemetry.security_event(ClientRemoved(client_id=client_id, by=Actor.OPERATOR))
    sys.stdout.write(f"{client_id} is removed\n")


def _not_registered(settings: Settings, client_id: str) -> CommandFailed:
    if any(client.client_id == client_id for client in settings.clients):
        return CommandFailed(
            f"{client_id} is a client of the configuration: change it there"
            " (enabled = false ends it), and reload"
        )
    return CommandFailed(f"no client {client_id} has registered")


def new_initial_access_token(*, as_json: bool) -> None:
    """Make a token that lets a client register; only its hash belongs into the configuration."""
    token = base64url(secrets.token_bytes(_TOKEN_BYTES))
    row = _TokenRow(token, hashlib.sha256(token.encode()).hexdigest())
    if as_json:
        sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
        return
    sys.stdout.write(f"initial access token  {token}  (for the client; it is shown once)\n")
    sys.stdout.write("\nfor the configuration:\n\n[[registration.initial_access_tokens]]\n")
    sys.stdout.write(f'name = "who may register"\nsha256 = "{row.sha256}"\n')
