"""``ciba-service devices``: list and revoke."""

import sys
from datetime import UTC, datetime

import msgspec

from ciba_service.channels.hub import SocketHub
from ciba_service.commands.opening import open_stores, system_surroundings
from ciba_service.commands.operator_write import operator_write
from ciba_service.commands.outcome import CommandFailed, print_rows, require_user
from ciba_service.flow.device_revocation import DeviceRevocation
from ciba_service.flow.phone_notices import PhoneNotices
from ciba_service.sca.devices import user_tag, user_tag_of
from ciba_service.settings import Settings

__all__ = ["list_devices", "revoke_device"]


class _DeviceRow(msgspec.Struct, frozen=True):
    device_id: str
    sub: str
    name: str
    enrolled_at: str


async def list_devices(settings: Settings, subject: str | None, *, as_json: bool) -> None:
    """Print the phones of one user or of all; raises ``CommandFailed`` for an unknown user."""
    if subject is not None:
        require_user(settings, subject)
    subjects = [user.sub for user in settings.users if subject in (None, user.sub)]
    rows = []
    async with open_stores(settings) as stores:
        for sub in subjects:
            for record in await stores.devices.list(user_tag(sub)):
                enrolled = datetime.fromtimestamp(record.enrolled_at / 1000, UTC)
                when = enrolled.isoformat(timespec="seconds")
                rows.append(_DeviceRow(record.device_id, sub, record.name, when))
    print_rows(rows, as_json=as_json)


async def revoke_device(settings: Settings, device_id: str) -> None:
    """Destroy a phone's keys and cut its socket; raises ``CommandFailed`` when there is none."""
    async with (
        open_stores(settings) as stores,
        operator_write(
            settings, stores, "devices revoke", user=user_tag_of(device_id), device_id=device_id
        ) as telemetry,
    ):
        revocation = DeviceRevocation(
            devices=stores.devices,
            notices=PhoneNotices(
                notices=stores.notices,
                hub=SocketHub(stores.broadcast),
                clock=system_surroundings().clock,
            ),
            telemetry=telemetry,
        )
        if await revocation.revoke(device_id) is None:
            raise CommandFailed(f"there is no device {device_id}")
    sys.stdout.write(f"{device_id} is revoked\n")
