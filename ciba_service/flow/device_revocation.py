"""A phone is revoked: its keys and secrets are destroyed, its sockets cut (NIST 800-63B-4 4.3)."""

from ciba_service.flow.phone_notices import PhoneNotices
from ciba_service.ports import DeviceStore, Telemetry
from ciba_service.ports.notices import NoticeKind
from ciba_service.sca.devices import user_tag_of

__all__ = ["DeviceRevocation"]


class DeviceRevocation:
    """Revokes phones; the others of the user are told."""

    def __init__(
        self, *, devices: DeviceStore, notices: PhoneNotices, telemetry: Telemetry
    ) -> None:
        self._devices = devices
        self._notices = notices
        self._telemetry = telemetry

    async def revoke(self, device_id: str) -> str | None:
        """Revoke a phone; its name, or None when there is no such phone."""
        name = await self._devices.revoke(device_id)
        return None if name is None else await self._tell(device_id, name, by=None)

    async def revoke_for(self, asking: str, device_id: str, *, operation: str) -> str | None:
        """Revoke a phone for another one of its user, as ``DeviceStore.revoke_for``."""
        name = await self._devices.revoke_for(asking, device_id, operation=operation)
        return None if name is None else await self._tell(device_id, name, by=asking)

    async def _tell(self, device_id: str, name: str, *, by: str | None) -> str:
        tag = user_tag_of(device_id)
        if tag is None:
            raise AssertionError("a phone that was revoked had a device id")
        await self._notices.tell(NoticeKind.REVOKED, tag, device_id, name)
        self._telemetry.event("device_revoked", device_id=device_id, by=by)
        return name
