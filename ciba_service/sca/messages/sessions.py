"""The proof that a phone is there, and keys that are announced to it."""

from typing import Final

import msgspec

__all__ = [
    "KEYS_TYP",
    "KEY_ANNOUNCEMENT_VERSION",
    "SESSION_TYP",
    "KeyAnnouncement",
    "SessionClaims",
]


KEY_ANNOUNCEMENT_VERSION: Final = 1
KEYS_TYP: Final = "ciba-keys+jws"
SESSION_TYP: Final = "ciba-session+jwt"


class SessionClaims(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the session JWS; ``body_hash`` is present over HTTPS only."""

    iss: str
    aud: str
    nonce: str
    jti: str
    iat: int
    body_hash: str | None = None


class KeyAnnouncement(msgspec.Struct, frozen=True):
    """Payload of a key announcement: the keys to pin from now on, in place of those before.

    ``challenge`` verify what the service signs, factors are encrypted to ``encryption`` (where it
    is left out, to the key as before). ``iat`` (seconds) is when they changed: a phone never goes
    back to an older announcement.
    """

    v: int
    iss: str
    iat: int
    challenge: tuple[dict[str, str], ...]
    encryption: dict[str, str] | None = None
