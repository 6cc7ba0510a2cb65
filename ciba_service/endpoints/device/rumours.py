"""What an enrolled phone is told of an announcement that says all there is to say."""

from ciba_service.ports import Announcement, AnnouncementKind
from ciba_service.sca.messages import (
    AttemptsWarning,
    DeviceEnrolled,
    DeviceRejected,
    DeviceRemoved,
    PasskeyAdded,
    PasskeyRemoved,
    ServiceMessage,
    Withdrawn,
    WithdrawnReason,
)
from ciba_service.sca.phones.devices import Device

__all__ = ["rumour"]


def rumour(device: Device, announcement: Announcement) -> list[ServiceMessage]:
    """Its message; a phone is not told of its own end, which it finds in the store."""
    about, detail = announcement.about, announcement.detail
    match announcement.kind:
        case AnnouncementKind.WITHDRAW:
            return [Withdrawn(about, WithdrawnReason(detail))]
        case AnnouncementKind.LAST_ATTEMPT | AnnouncementKind.LOCKED as kind:
            left = int(kind is AnnouncementKind.LAST_ATTEMPT)
            return [AttemptsWarning(about, detail, left, announcement.at // 1000)]
        case AnnouncementKind.REVOKED if about == device.device_id:
            return []
        case _:
            return [_about_phones(announcement)]


def _about_phones(announcement: Announcement) -> ServiceMessage:
    about, name = announcement.about, announcement.detail
    match announcement.kind:
        case AnnouncementKind.ENROLLED:
            return DeviceEnrolled(about, name)
        case AnnouncementKind.REJECTED:
            return DeviceRejected(about, name)
        case AnnouncementKind.REVOKED:
            return DeviceRemoved(about, name)
        case AnnouncementKind.PASSKEY_ADDED:
            return PasskeyAdded(about, name, announcement.passkey_id)
        case AnnouncementKind.PASSKEY_REMOVED:
            return PasskeyRemoved(about, name, announcement.passkey_id)
        case _:
            raise AssertionError("the others were seen to before")
