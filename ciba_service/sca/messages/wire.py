"""Names, sizes and codes that phone and service agree on."""

import hashlib
from binascii import b2a_base64
from enum import IntEnum, StrEnum
from typing import Annotated, Final

import msgspec

__all__ = [
    "LARGEST_FRAME",
    "OUTCOME_WINDOW",
    "SUBPROTOCOL",
    "CloseCode",
    "DeviceId",
    "DeviceName",
    "DevicePath",
    "Factor",
    "KeyThumbprint",
    "Moment",
    "TransactionId",
    "base64url",
    "body_hash",
    "transaction_id",
]


SUBPROTOCOL: Final = "ciba-device.v1"
# Bytes of a frame, and of a request's body over HTTPS.
LARGEST_FRAME: Final = 16 * 1024
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
# Seconds after the expiry of a challenge during which a resent decision is still answered.
OUTCOME_WINDOW: Final = 600

TransactionId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{22}\Z")]
"""A name as ``transaction_id`` makes it."""

DeviceId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z")]
"""A phone's name as enrolment gives it."""

KeyThumbprint = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z")]
"""A phone's signing key as ``key_thumbprint`` names it."""

DeviceName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
"""What the user calls a phone: plain text, which the service looks at besides."""

Moment = Annotated[int, msgspec.Meta(ge=0, lt=253_402_300_800)]  # before the year 10000


class DevicePath(StrEnum):
    """What a phone calls, below the issuer's address."""

    ENROLMENTS = "/device/enrolments"
    SOCKET = "/device/ws"
    NONCE = "/device/nonce"
    MESSAGES = "/device/messages"
    LOGOS = "/device/logos"


class CloseCode(IntEnum):
    """Why the service closed a phone's WebSocket (docs/device-protocol.md)."""

    MALFORMED = 4400
    NOT_AUTHENTICATED = 4401
    REVOKED = 4403
    TOO_SLOW = 4408
    REPLACED = 4409
    NOT_APPROVED = 4425
    TOO_MANY_FRAMES = 4429
    UNAVAILABLE = 4503


class Factor(StrEnum):
    """An authentication element that a challenge may ask for (PSD2 RTS art. 4, 6 to 8)."""

    DEVICE_KEY = "device_key"
    PIN = "pin"
    PASSKEY = "passkey"  # WebAuthn, with user verification
    OTP = "otp"
    VERIFICATION_CODE = "verification_code"  # shown on the consumption device, typed on the phone


def base64url(data: bytes) -> str:
    """Bytes as all texts of the protocol have them, without padding."""
    return b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def transaction_id(auth_req_id: str) -> str:
    """Name of a transaction that may be told to phones and logs: half of a SHA-256 hash."""
    return base64url(hashlib.sha256(auth_req_id.encode("ascii")).digest()[:16])


def body_hash(body: bytes) -> str:
    """Hash of a request body, for the session proof over HTTPS."""
    return base64url(hashlib.sha256(body).digest())
