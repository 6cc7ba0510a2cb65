"""What a phone hears of itself and of the other phones of its user."""

import msgspec

from ciba_service.sca.messages.wire import DeviceId, KeyThumbprint, Moment

__all__ = [
    "AttemptsWarning",
    "DeviceEnrolled",
    "DeviceRejected",
    "DeviceRemoved",
    "DeviceRenamed",
    "DeviceUnknown",
    "DeviceWaiting",
    "DevicesListed",
    "EnrolledDevice",
    "NameRefused",
]


class DeviceEnrolled(
    msgspec.Struct, frozen=True, tag="device_enrolled", tag_field="type", omit_defaults=True
):
    """Told to all other phones of a user when a further one was enrolled.

    ``at`` (seconds) says when, where it is told later.
    """

    device_id: str
    name: str
    at: Moment | None = None


class DeviceRemoved(
    msgspec.Struct, frozen=True, tag="device_revoked", tag_field="type", omit_defaults=True
):
    """A phone of this user counts no more; told to all others, and to itself if it gave up.

    ``at`` (seconds) says when, where it is told later.
    """

    device_id: str
    name: str
    at: Moment | None = None


class DeviceWaiting(msgspec.Struct, frozen=True, tag="device_waiting", tag_field="type"):
    """A further phone of this user waits to be approved; all times are in seconds.

    ``key`` is the thumbprint of its key: with the name of the phone it makes the comparison code.
    """

    device_id: DeviceId
    name: str
    key: KeyThumbprint
    since: Moment
    until: Moment


class DeviceRejected(
    msgspec.Struct, frozen=True, tag="device_rejected", tag_field="type", omit_defaults=True
):
    """A phone that waited will never be one of this user's; told to all phones.

    ``at`` (seconds) says when, where it is told later.
    """

    device_id: str
    name: str
    at: Moment | None = None


class DeviceUnknown(msgspec.Struct, frozen=True, tag="device_unknown", tag_field="type"):
    """No phone of that name waits any more."""

    device_id: str


class AttemptsWarning(msgspec.Struct, frozen=True, tag="attempts_warning", tag_field="type"):
    """Wrong factors came from a phone of this user: one attempt is left, or none (0).

    ``at`` (seconds) says when; told to all phones.
    """

    device_id: str
    name: str
    attempts_left: int
    at: Moment


class EnrolledDevice(msgspec.Struct, frozen=True, tag="device", tag_field="type"):
    """A phone of this user; ``enrolled_at`` is in seconds, ``this`` is the asking one."""

    device_id: str
    name: str
    enrolled_at: Moment
    this: bool


class DevicesListed(msgspec.Struct, frozen=True, tag="devices", tag_field="type"):
    """End of the answer to ``list_devices``; ``enrolled`` has the name of each."""

    enrolled: tuple[str, ...]


class DeviceRenamed(msgspec.Struct, frozen=True, tag="device_renamed", tag_field="type"):
    """The asking phone has this name now."""

    device_id: str
    name: str


class NameRefused(msgspec.Struct, frozen=True, tag="name_refused", tag_field="type"):
    """The name is no plain text; the phone keeps the one it has."""
