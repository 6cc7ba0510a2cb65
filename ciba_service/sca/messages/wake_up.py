"""How a phone that sleeps is woken: where to, and with what (RFC 8030, RFC 8291)."""

from enum import StrEnum
from typing import Annotated, Final

import msgspec

__all__ = [
    "WAKE_UP_CONTENT",
    "PushEndpoint",
    "PushKey",
    "PushSecret",
    "WakeUpDropped",
    "WakeUpOffered",
    "WakeUpRefusal",
    "WakeUpRefused",
    "WakeUpSet",
]


# All that a push says to a phone, once it is decrypted: ask for what is open.
WAKE_UP_CONTENT: Final = b"look"
PushEndpoint = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
PushKey = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{87}\Z")]  # 65 bytes
PushSecret = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{22}\Z")]  # 16 bytes


class WakeUpRefusal(StrEnum):
    """Why a phone cannot be woken in this way."""

    NOT_OFFERED = "not_offered"
    ENDPOINT = "endpoint"
    KEY = "key"


class WakeUpOffered(
    msgspec.Struct, frozen=True, tag="wake_up_offered", tag_field="type", omit_defaults=True
):
    """Answer to ``ask_wake_up``; ``set`` says whether this phone has an address here.

    ``web_push_key`` is the service's key for Web Push (RFC 8292), as an uncompressed point in
    base64url; absent where the service sends none.
    """

    set: bool
    web_push_key: str | None = None


class WakeUpSet(msgspec.Struct, frozen=True, tag="wake_up_set", tag_field="type"):
    """The address is kept, in place of the one before."""


class WakeUpRefused(msgspec.Struct, frozen=True, tag="wake_up_refused", tag_field="type"):
    """The address is not kept; the one before stays."""

    reason: WakeUpRefusal


class WakeUpDropped(msgspec.Struct, frozen=True, tag="wake_up_dropped", tag_field="type"):
    """This phone has no address any more."""
