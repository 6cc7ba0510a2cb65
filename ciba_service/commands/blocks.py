"""``ciba-service users show`` and ``unblock``: whom a user has blocked, and for how long."""

import sys

import msgspec

from ciba_service.commands.opening import open_stores, system_surroundings
from ciba_service.commands.outcome import print_rows, require_user
from ciba_service.flow.unblocking import Unblocking
from ciba_service.protocol.transaction.ledger_document import instant
from ciba_service.sca.devices import user_tag
from ciba_service.settings import Settings

__all__ = ["show_user", "unblock_client"]


class _BlockRow(msgspec.Struct, frozen=True):
    """``until`` is RFC 3339 in UTC, or None: until it is lifted."""

    client_id: str
    until: str | None


class _Shown(msgspec.Struct, frozen=True):
    sub: str
    enabled: bool
    phones: int
    failed_attempts: int
    locked: bool
    blocked_clients: tuple[_BlockRow, ...]


async def show_user(settings: Settings, subject: str, *, as_json: bool) -> None:
    """Print a user with blocked clients; raises ``CommandFailed`` when there is no such user."""
    require_user(settings, subject)
    tag, now = user_tag(subject), system_surroundings().clock.now_ms()
    async with open_stores(settings) as stores:
        used = await stores.attempts.used(tag)
        shown = _Shown(
            sub=subject,
            enabled=any(user.enabled for user in settings.users if user.sub == subject),
            phones=len(await stores.devices.list(tag)),
            failed_attempts=used,
            locked=used >= settings.limits.failed_attempts,
            blocked_clients=tuple(
                _BlockRow(block.client_id, None if block.until is None else instant(block.until))
                for block in await stores.standing.blocks(tag, now=now)
            ),
        )
    if as_json:
        sys.stdout.write(msgspec.json.encode(shown).decode() + "\n")
        return
    for name in shown.__struct_fields__[:-1]:
        sys.stdout.write(f"{name:<16} {getattr(shown, name)}\n")
    sys.stdout.write("\nblocked clients\n")
    print_rows(shown.blocked_clients, as_json=False)


async def unblock_client(settings: Settings, subject: str, client_id: str) -> None:
    """Let a client ask a user again; raises ``CommandFailed`` when there is no such user."""
    require_user(settings, subject)
    async with open_stores(settings) as stores:
        unblocking = Unblocking(standing=stores.standing, telemetry=system_surroundings().telemetry)
        await unblocking.unblock(subject, client_id)
    sys.stdout.write(f"{client_id} may ask {subject} again\n")
