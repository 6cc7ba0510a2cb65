"""An enrolled phone: its names, its public key, and the secrets shared with it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from ciba_service.protocol.jose.encoding import (
    MalformedEncodingError,
    base64url,
    parse_base64url,
)
from ciba_service.protocol.jose.keys import VerificationKey
from ciba_service.sca.factors.passkeys import Passkey

__all__ = [
    "MAXIMUM_DEVICES",
    "MAXIMUM_WAITING",
    "Device",
    "DeviceNotApproved",
    "DeviceRevoked",
    "UserTag",
    "new_device_id",
    "user_tag",
    "user_tag_of",
]

# A name is the user's tag and as many random bytes.
_TAG_BYTES: Final = 16

UserTag = str

MAXIMUM_DEVICES: Final = 10
"""How many phones a user may have, those that wait for approval included."""

MAXIMUM_WAITING: Final = 3
"""How many phones of a user may wait for approval."""


class DeviceRevoked(Exception):
    """The phone is not, or no longer, enrolled."""


class DeviceNotApproved(Exception):
    """The phone waits until another one of its user approves it (PSD2 RTS art. 24)."""


@dataclass(frozen=True, slots=True)
class Device:
    """A phone that may decide; ``enrolled_at`` is in milliseconds.

    ``pin_order`` is the order that registered the PIN key, and empty for that of enrolment.
    """

    device_id: str
    subject: str
    name: str
    enrolled_at: int
    key: VerificationKey
    pin_key: bytes = field(repr=False)
    totp_secret: str = field(repr=False)
    pin_order: str = ""
    passkeys: tuple[Passkey, ...] = ()

    @property
    def tag(self) -> UserTag:
        """The tag of its user."""
        return user_tag(self.subject)


@lru_cache(maxsize=1024)
def user_tag(subject: str) -> UserTag:
    """The name of a user in keys and device ids: half of a SHA-256 hash."""
    return base64url(hashlib.sha256(b"ciba-user\0" + subject.encode("utf-8")).digest()[:_TAG_BYTES])


def new_device_id(tag: UserTag, token_bytes: Callable[[int], bytes]) -> str:
    """A random name that begins with the tag of its user, so that one look-up finds both."""
    return base64url(parse_base64url(tag) + token_bytes(_TAG_BYTES))


def user_tag_of(device_id: str) -> UserTag | None:
    """The tag of the user a device id belongs to, or None when it is no device id."""
    try:
        raw = parse_base64url(device_id)
    except MalformedEncodingError:
        return None
    return base64url(raw[:_TAG_BYTES]) if len(raw) == 2 * _TAG_BYTES else None
