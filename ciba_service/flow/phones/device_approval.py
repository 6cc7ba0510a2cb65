"""A further phone waits until another one of its user approves it, or turns it away.

To approve needs the PIN and is an order (PSD2 RTS art. 24(2)(b), NIST SP 800-63B-4 4.1); to turn
away only takes away, and works while factors are locked, too.
"""

from collections.abc import Callable, Sequence

from ciba_service.flow.phones.phone_notices import PhoneNotices
from ciba_service.ports import (
    Announcement,
    AnnouncementKind,
    Clock,
    DeviceHub,
    Telemetry,
    WaitingDeviceStore,
    WaitingRecord,
)
from ciba_service.ports.phones.notices import NoticeKind
from ciba_service.protocol.security_events.kinds import (
    Actor,
    PhoneEnrolled,
    PhoneRejected,
    PhoneWaiting,
)
from ciba_service.sca.messages import (
    DenialReason,
    DeviceRejected,
    DeviceUnknown,
    DeviceWaiting,
)
from ciba_service.sca.phones.devices import Device, UserTag, user_tag_of

__all__ = ["DeviceApproval"]


class DeviceApproval:
    """Asks the phones of a user about a further one, and carries out what one of them says."""

    def __init__(
        self,
        *,
        waiting: WaitingDeviceStore,
        notices: PhoneNotices,
        hub: DeviceHub,
        new_operation: Callable[[], str],
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._waiting = waiting
        self._notices = notices
        self._hub = hub
        self._new_operation = new_operation
        self._clock = clock
        self._telemetry = telemetry

    async def ask(self, device: Device) -> None:
        """Tell the connected phones; the others find it when they fetch."""
        await self._hub.announce(
            Announcement(AnnouncementKind.WAITING, device.tag, device.device_id, device.name)
        )
        self._telemetry.event("device_waiting", device_id=device.device_id)
        self._telemetry.security_event(PhoneWaiting(device_id=device.device_id, user=device.tag))

    async def waiting(self, tag: UserTag) -> Sequence[DeviceWaiting]:
        """The phones of a user that wait now; raises ``StoreUnavailable``."""
        return [_told(each) for each in await self._waiting.list(tag, now=self._clock.now_ms())]

    async def approve_for(self, asking: str, device_id: str, *, key: str, operation: str) -> bool:
        """Enrol a phone that waits, for an enrolled one of its user; all phones are told.

        Raises:
            DeviceRevoked: when the phone that asks is not, or no longer, enrolled.
            StoreUnavailable: when the store cannot be reached.
        """
        name = await self._waiting.approve(
            device_id, key=key, asking=asking, now=self._clock.now_ms(), operation=operation
        )
        if name is None:
            return False
        # PSD2 RTS 24 and NIST SP 800-63B-4 4.1: every other phone learns of a new one.
        await self._notices.tell(NoticeKind.ENROLLED, _tag(device_id), device_id, name)
        self._telemetry.event("device_approved", device_id=device_id, by=asking)
        self._telemetry.security_event(PhoneEnrolled(device_id=device_id, user=_tag(device_id)))
        return True

    async def reject(
        self, asking: Device, device_id: str, reason: DenialReason
    ) -> DeviceRejected | DeviceUnknown:
        """Turn a phone away that waits; raises as ``approve_for``."""
        name = await self._reject(device_id, by=asking.device_id, reason=reason)
        return DeviceUnknown(device_id) if name is None else DeviceRejected(device_id, name)

    async def reject_for_operator(self, device_id: str) -> bool:
        """Turn a phone away that waits; false when there is none. Raises ``StoreUnavailable``."""
        name = await self._reject(device_id, by=None, reason=DenialReason.DECLINED)
        return name is not None

    async def reject_all(self, tag: UserTag) -> None:
        """Turn away whatever waits for a user: the operator's act; raises ``StoreUnavailable``."""
        for each in await self._waiting.list(tag, now=self._clock.now_ms()):
            await self.reject_for_operator(each.device_id)

    async def _reject(self, device_id: str, *, by: str | None, reason: DenialReason) -> str | None:
        name = await self._waiting.reject(
            device_id, asking=by, now=self._clock.now_ms(), operation=self._new_operation()
        )
        if name is not None:
            await self._notices.tell(NoticeKind.REJECTED, _tag(device_id), device_id, name)
            self._telemetry.event(
                "device_rejected", device_id=device_id, by=by, reason=reason.value
            )
            self._telemetry.security_event(
                PhoneRejected(
                    device_id=device_id,
                    user=_tag(device_id),
                    by=Actor.OPERATOR if by is None else Actor.PHONE,
                    by_device_id=by,
                    not_me=reason is DenialReason.NOT_ME,
                )
            )
        return name


def _told(record: WaitingRecord) -> DeviceWaiting:
    return DeviceWaiting(
        device_id=record.device_id,
        name=record.name,
        key=record.key,
        since=record.since // 1000,
        until=record.until // 1000,
    )


def _tag(device_id: str) -> UserTag:
    tag = user_tag_of(device_id)
    if tag is None:
        raise AssertionError("a phone that waited had a device id")
    return tag
