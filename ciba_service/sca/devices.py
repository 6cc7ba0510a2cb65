"""An enrolled phone: its names, its public key, and the secrets shared with it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ciba_service.protocol.jose.encoding import base64url, parse_base64url
from ciba_service.protocol.jose.keys import VerificationKey

__all__ = ["Device", "UserTag", "new_device_id", "user_tag_of"]

_TAG_BYTES: Final = 16
_DEVICE_ID: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)

UserTag = str


@dataclass(frozen=True, slots=True)
class Device:
    """A phone that may decide; ``enrolled_at`` is in milliseconds."""

    device_id: str
    subject: str
    name: str
    enrolled_at: int
    key: VerificationKey
    pin_key: bytes = field(repr=False)
    totp_secret: str = field(repr=False)


def new_device_id(tag: UserTag, token_bytes: Callable[[int], bytes]) -> str:
    """A random name that begins with the tag of its user, so that one look-up finds both."""
    return base64url(parse_base64url(tag) + token_bytes(_TAG_BYTES))


def user_tag_of(device_id: str) -> UserTag | None:
    """The tag of the user a device id belongs to, or None when it is no device id."""
    if not _DEVICE_ID.fullmatch(device_id):
        return None
    return base64url(parse_base64url(device_id)[:_TAG_BYTES])
