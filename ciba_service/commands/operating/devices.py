"""``ciba-service devices``: list and revoke."""

import sys

import msgspec

from ciba_service.commands.opening import open_stores, system_surroundings
from ciba_service.commands.operating.operator_write import operator_write
from ciba_service.commands.operating.phone_steps import phone_steps
from ciba_service.commands.outcome import CommandFailed, print_rows, require_user, written
from ciba_service.sca.phones.devices import user_tag, user_tag_of
from ciba_service.settings import Settings

__all__ = ["list_devices", "revoke_device"]


class _DeviceRow(msgspec.Struct, frozen=True):
    device_id: str
    sub: str
    name: str
    enrolled_at: str
    waits_until: str = ""


async def list_devices(settings: Settings, subject: str | None, *, as_json: bool) -> None:
    """Print the phones of one user or of all, and those that wait for approval.

    Raises:
        CommandFailed: when there is no such user.
    """
    if subject is not None:
        require_user(settings, subject)
    subjects = [user.sub for user in settings.users if subject in (None, user.sub)]
    rows = []
    now = system_surroundings().clock.now_ms()
    async with open_stores(settings) as stores:
        for sub in subjects:
            rows += [
                _DeviceRow(phone.device_id, sub, phone.name, written(phone.enrolled_at))
                for phone in await stores.devices.list(user_tag(sub))
            ]
            rows += [
                _DeviceRow(phone.device_id, sub, phone.name, "", written(phone.until))
                for phone in await stores.waiting_devices.list(user_tag(sub), now=now)
            ]
    print_rows(rows, as_json=as_json)


async def revoke_device(settings: Settings, device_id: str) -> None:
    """Destroy a phone's keys and cut its socket, or turn it away while it waits.

    Raises:
        CommandFailed: when there is no such phone.
    """
    async with (
        open_stores(settings) as stores,
        operator_write(
            settings, stores, "devices revoke", user=user_tag_of(device_id), device_id=device_id
        ) as telemetry,
    ):
        steps = phone_steps(stores, telemetry)
        revoked = await steps.revocation.revoke(device_id) is not None
        if not revoked and not await steps.approval.reject_for_operator(device_id):
            raise CommandFailed(f"there is no device {device_id}")
    sys.stdout.write(f"{device_id} is revoked\n")
