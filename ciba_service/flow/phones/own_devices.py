"""A user looks at the phones, names this one, or gives it up (NIST SP 800-63B-4 4.3, 4.4).

None of it needs the PIN: a name is only shown, and to give up the phone in hand only takes away.
"""

from ciba_service.flow.phones.device_approval import DeviceApproval
from ciba_service.flow.phones.device_revocation import DeviceRevocation
from ciba_service.ports import DeviceStore, Telemetry
from ciba_service.protocol.plain_text import NotPlainTextError, parse_plain_text
from ciba_service.protocol.security_events.kinds import Actor
from ciba_service.sca.messages import (
    DeviceRemoved,
    DeviceRenamed,
    DevicesListed,
    EnrolledDevice,
    NameRefused,
    ServiceMessage,
)
from ciba_service.sca.phones.devices import Device, DeviceRevoked

__all__ = ["OwnDevices"]


class OwnDevices:
    """Answers a phone about itself and the other phones of its user."""

    def __init__(
        self,
        *,
        devices: DeviceStore,
        revocation: DeviceRevocation,
        approval: DeviceApproval,
        telemetry: Telemetry,
    ) -> None:
        self._devices = devices
        self._revocation = revocation
        self._approval = approval
        self._telemetry = telemetry

    async def list_all(self, device: Device) -> list[ServiceMessage]:
        """Each phone of the user, the oldest first, those that wait, and then the list of phones.

        Raises:
            DeviceRevoked: when the phone may not ask any more.
            StoreUnavailable: when the store cannot be reached.
        """
        listed = [
            EnrolledDevice(
                device_id=record.device_id,
                name=record.name,
                enrolled_at=record.enrolled_at // 1000,
                this=record.device_id == device.device_id,
            )
            for record in await self._devices.list(device.tag)
        ]
        if not any(each.this for each in listed):
            raise DeviceRevoked
        waiting = await self._approval.waiting(device.tag)
        return [*listed, *waiting, DevicesListed(tuple(each.device_id for each in listed))]

    async def rename(self, device: Device, name: str) -> DeviceRenamed | NameRefused:
        """Give this phone another name, if it is plain text; raises as ``list_all``."""
        try:
            parse_plain_text(name)
        except NotPlainTextError:
            return NameRefused()
        await self._devices.rename(device.device_id, name)
        self._telemetry.event("device_renamed", device_id=device.device_id)
        return DeviceRenamed(device.device_id, name)

    async def give_up(self, device: Device) -> DeviceRemoved:
        """Revoke this phone at its own word; raises as ``list_all``."""
        name = await self._revocation.revoke(device.device_id, actor=Actor.PHONE)
        if name is None:
            raise DeviceRevoked
        return DeviceRemoved(device.device_id, name)
