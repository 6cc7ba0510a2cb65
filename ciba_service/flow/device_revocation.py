"""A phone is revoked: its keys and secrets are destroyed, its sockets cut (NIST 800-63B-4 4.3)."""

from ciba_service.ports import (
    Announcement,
    AnnouncementKind,
    DeviceHub,
    DeviceStore,
    Telemetry,
)
from ciba_service.sca.devices import user_tag_of

__all__ = ["DeviceRevocation"]


class DeviceRevocation:
    """Revokes phones."""

    def __init__(self, *, devices: DeviceStore, hub: DeviceHub, telemetry: Telemetry) -> None:
        self._devices = devices
        self._hub = hub
        self._telemetry = telemetry

    async def revoke(self, device_id: str) -> bool:
        """Revoke a phone and tell its sockets; False when there is no such phone."""
        tag = user_tag_of(device_id)
        if tag is None or not await self._devices.revoke(device_id):
            return False
        await self._hub.announce(Announcement(AnnouncementKind.REVOKED, tag, device_id))
        self._telemetry.event("device_revoked", device_id=device_id)
        return True
