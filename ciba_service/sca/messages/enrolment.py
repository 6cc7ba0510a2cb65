"""How a phone becomes one: what it signs, and what it is answered."""

import hashlib
from typing import Final

import msgspec

from ciba_service.sca.messages.wire import Moment, base64url

__all__ = [
    "ENROLMENT_TYP",
    "PIN_KEY_BYTES",
    "SECRETS_TYP",
    "EnrolmentAnswer",
    "EnrolmentClaims",
    "EnrolmentRequest",
    "EnrolmentSecrets",
    "ServiceKeys",
    "TotpParameters",
    "comparison_code",
    "key_thumbprint",
]


PIN_KEY_BYTES: Final = 32
ENROLMENT_TYP: Final = "ciba-enrolment+jwt"
SECRETS_TYP: Final = "ciba-secrets+jwe"


class EnrolmentClaims(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the enrolment JWS, signed by the key whose public half is in its header."""

    aud: str
    jti: str
    iat: int
    activation_code: str
    name: str
    encryption_key: dict[str, str]
    second_secret: str | None = None

    def __repr__(self) -> str:
        return "EnrolmentClaims(...)"


class EnrolmentRequest(msgspec.Struct, frozen=True):
    """Body of ``POST /device/enrolments``."""

    enrolment: str


class TotpParameters(msgspec.Struct, frozen=True):
    """An RFC 6238 seed (base32) and its settings; ``period`` is in seconds."""

    secret: str
    algorithm: str = "SHA1"
    digits: int = 6
    period: int = 30

    def __repr__(self) -> str:
        return "TotpParameters(...)"


class EnrolmentSecrets(msgspec.Struct, frozen=True):
    """Plaintext of the secrets JWE: the PIN key (32 bytes, base64url) and the OTP seed."""

    pin_key: str
    totp: TotpParameters

    def __repr__(self) -> str:
        return "EnrolmentSecrets(...)"


class ServiceKeys(msgspec.Struct, frozen=True):
    """Public keys the phone pins: they verify challenges and encrypt factors."""

    challenge: tuple[dict[str, str], ...]
    encryption: dict[str, str]


class EnrolmentAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of the 201 answer to an enrolment.

    ``approval_until`` (seconds) is there while the phone waits for another one of its user.
    """

    device_id: str
    issuer: str
    subject: str
    websocket: str
    messages: str
    keys: ServiceKeys
    secrets: str
    approval_until: Moment | None = None


def key_thumbprint(jwk: dict[str, str]) -> str:
    """Name of a P-256 key by its public half (RFC 7638 3)."""
    members = {name: jwk.get(name, "") for name in ("crv", "kty", "x", "y")}
    return base64url(hashlib.sha256(msgspec.json.encode(members)).digest())


def comparison_code(device_id: str, key: str) -> str:
    """Six digits that a new phone and the one that approves it both show.

    The phone chose its key before the service chose its name, so that neither chose the code.
    """
    message = f"ciba-comparison.v1\0{device_id}\0{key}"
    digest = hashlib.sha256(message.encode("ascii")).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 1_000_000:06}"
