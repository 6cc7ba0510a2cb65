"""``ciba-service users show`` and ``unblock``: whom a user has blocked, and for how long."""

import sys

import msgspec

from ciba_service.commands.opening import open_stores, system_surroundings
from ciba_service.commands.operating.operator_write import operator_write
from ciba_service.commands.outcome import print_rows, require_user
from ciba_service.flow.operators.unblocking import Unblocking
from ciba_service.flow.operators.user_documents import BlockedClient, blocked_client
from ciba_service.flow.operators.user_summaries import UserSummaries, UserSummary
from ciba_service.sca.phones.devices import user_tag
from ciba_service.settings import Settings

__all__ = ["show_user", "unblock_client"]


class _Shown(UserSummary, frozen=True):
    blocked_clients: tuple[BlockedClient, ...] = ()


async def show_user(settings: Settings, subject: str, *, as_json: bool) -> None:
    """Print a user with blocked clients; raises ``CommandFailed`` when there is no such user."""
    require_user(settings, subject)
    tag, now = user_tag(subject), system_surroundings().clock.now_ms()
    async with open_stores(settings) as stores:
        summaries = UserSummaries(
            devices=stores.devices,
            attempts=stores.attempts,
            attempt_limit=settings.limits.failed_attempts,
        )
        enabled = any(user.enabled for user in settings.users if user.sub == subject)
        summary = await summaries.of(subject, enabled=enabled)
        blocks = await stores.standing.blocks(tag, now=now)
    shown = _Shown(
        **msgspec.structs.asdict(summary), blocked_clients=tuple(map(blocked_client, blocks))
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
        tag = user_tag(subject)
        async with operator_write(
            settings, stores, "users unblock", user=tag, client_id=client_id
        ) as telemetry:
            unblocking = Unblocking(standing=stores.standing, telemetry=telemetry)
            await unblocking.unblock(subject, client_id)
    sys.stdout.write(f"{client_id} may ask {subject} again\n")
