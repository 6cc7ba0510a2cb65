"""All phones of a user learn what happened to one of them, at once or when they come back."""

from typing import Final

from ciba_service.ports import Announcement, AnnouncementKind, Clock, DeviceHub
from ciba_service.ports.phones.notices import Notice, NoticeKind, NoticeStore
from ciba_service.sca.messages import (
    AttemptsWarning,
    DeviceEnrolled,
    DeviceRejected,
    DeviceRemoved,
    PasskeyAdded,
    PasskeyRemoved,
    ServiceMessage,
)
from ciba_service.sca.phones.devices import Device, UserTag

__all__ = ["PhoneNotices"]

_ANNOUNCED: Final = {
    NoticeKind.ENROLLED: AnnouncementKind.ENROLLED,
    NoticeKind.REJECTED: AnnouncementKind.REJECTED,
    NoticeKind.REVOKED: AnnouncementKind.REVOKED,
    NoticeKind.LAST_ATTEMPT: AnnouncementKind.LAST_ATTEMPT,
    NoticeKind.LOCKED: AnnouncementKind.LOCKED,
    NoticeKind.PASSKEY_ADDED: AnnouncementKind.PASSKEY_ADDED,
    NoticeKind.PASSKEY_REMOVED: AnnouncementKind.PASSKEY_REMOVED,
}
_WARNINGS = frozenset({NoticeKind.LAST_ATTEMPT, NoticeKind.LOCKED})


class PhoneNotices:
    """Tells who is connected, and later the others (NIST SP 800-63B-4 4.1)."""

    def __init__(self, *, notices: NoticeStore, hub: DeviceHub, clock: Clock) -> None:
        self._notices = notices
        self._hub = hub
        self._clock = clock

    async def tell(
        self, kind: NoticeKind, tag: UserTag, device_id: str, name: str, passkey_id: str = ""
    ) -> None:
        """Tell of a change; the step that made it has kept it, for whoever does not hear this."""
        await self._hub.announce(Announcement(_ANNOUNCED[kind], tag, device_id, name, passkey_id))

    async def warn(self, kind: NoticeKind, device: Device, *, operation: str, at: int) -> None:
        """Tell all phones, this one too, what was done on one; the same operation is kept once."""
        notice = Notice(kind, device.device_id, device.name, operation=operation)
        await self._notices.put(device.tag, notice, now=at)
        await self._hub.announce(
            Announcement(_ANNOUNCED[kind], device.tag, device.device_id, device.name, at=at)
        )

    async def missed_by(self, device: Device) -> list[ServiceMessage]:
        """What happened since this phone was enrolled, and not to itself, the oldest first."""
        recent = await self._notices.recent(device.tag, now=self._clock.now_ms())
        return [
            _message(notice, at)
            for notice, at in recent
            if at > device.enrolled_at
            and (notice.kind in _WARNINGS or notice.device_id != device.device_id)
        ]


def _message(notice: Notice, at: int) -> ServiceMessage:
    device_id, name, seconds = notice.device_id, notice.name, at // 1000
    match notice.kind:
        case NoticeKind.LAST_ATTEMPT | NoticeKind.LOCKED as kind:
            return AttemptsWarning(device_id, name, int(kind is NoticeKind.LAST_ATTEMPT), seconds)
        case NoticeKind.PASSKEY_ADDED:
            return PasskeyAdded(device_id, name, notice.passkey_id, seconds)
        case NoticeKind.PASSKEY_REMOVED:
            return PasskeyRemoved(device_id, name, notice.passkey_id, seconds)
        case _:
            return _about_phone(notice, seconds)


def _about_phone(notice: Notice, seconds: int) -> ServiceMessage:
    match notice.kind:
        case NoticeKind.ENROLLED:
            return DeviceEnrolled(notice.device_id, notice.name, seconds)
        case NoticeKind.REJECTED:
            return DeviceRejected(notice.device_id, notice.name, seconds)
        case _:
            return DeviceRemoved(notice.device_id, notice.name, seconds)
