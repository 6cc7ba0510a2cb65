"""A phone is revoked: its keys and secrets are destroyed, its sockets cut (NIST 800-63B-4 4.3)."""

from ciba_service.flow.phones.phone_notices import PhoneNotices
from ciba_service.ports import Clock, DeviceStore, Telemetry
from ciba_service.ports.phones.notices import NoticeKind
from ciba_service.protocol.security_events.kinds import Actor, PhoneRevoked
from ciba_service.sca.phones.devices import user_tag_of

__all__ = ["DeviceRevocation"]


class DeviceRevocation:
    """Revokes phones; the others of the user are told."""

    def __init__(
        self,
        *,
        devices: DeviceStore,
        notices: PhoneNotices,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._devices = devices
        self._notices = notices
        self._clock = clock
        self._telemetry = telemetry

    async def revoke(self, device_id: str, *, actor: Actor = Actor.OPERATOR) -> str | None:
        """Revoke a phone; its name, or None when there is no such phone."""
        name = await self._devices.revoke(device_id, now=self._clock.now_ms())
        return None if name is None else await self._tell(device_id, name, actor, by=None)

    async def revoke_for(self, asking: str, device_id: str, *, operation: str) -> str | None:
        """Revoke a phone for another one of its user, as ``DeviceStore.revoke_for``."""
        name = await self._devices.revoke_for(
            asking, device_id, now=self._clock.now_ms(), operation=operation
        )
        return None if name is None else await self._tell(device_id, name, Actor.PHONE, by=asking)

    async def _tell(self, device_id: str, name: str, actor: Actor, *, by: str | None) -> str:
        tag = user_tag_of(device_id)
        if tag is None:
            raise AssertionError("a phone that was revoked had a device id")
        await self._notices.tell(NoticeKind.REVOKED, tag, device_id, name)
        self._telemetry.event("device_revoked", device_id=device_id, by=by)
        self._telemetry.security_event(
            PhoneRevoked(device_id=device_id, user=tag, by=actor, by_device_id=by)
        )
        return name
