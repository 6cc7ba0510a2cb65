"""Nonces that any process can make and verify: no state, bounded age (NIST SP 800-63B-4 3.2.7)."""

import hmac
from collections.abc import Callable
from typing import Final

from ciba_service.protocol.jose.encoding import (
    MalformedEncodingError,
    base64url,
    parse_base64url,
)

__all__ = ["NONCE_LIFETIME_MS", "Nonces"]

NONCE_LIFETIME_MS: Final = 300_000
_TIME_BYTES: Final = 8
_RANDOM_BYTES: Final = 16
_TAG_BYTES: Final = 16
_LENGTH: Final = _TIME_BYTES + _RANDOM_BYTES + _TAG_BYTES


class Nonces:
    """Nonces under one secret key: time of issue, randomness, and a MAC over both."""

    __slots__ = ("_key", "_token_bytes")

    def __init__(self, key: bytes, token_bytes: Callable[[int], bytes]) -> None:
        self._key = key
        self._token_bytes = token_bytes

    def new_nonce(self, now: int) -> str:
        """A nonce issued at ``now`` (milliseconds)."""
        body = now.to_bytes(_TIME_BYTES, "big") + self._token_bytes(_RANDOM_BYTES)
        return base64url(body + self._tag(body))

    def expiry(self, nonce: str, now: int) -> int | None:
        """Until when (milliseconds) a nonce of ours is good, or None when it is not."""
        try:
            raw = parse_base64url(nonce)
        except MalformedEncodingError:
            return None
        body, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
        if len(raw) != _LENGTH or not hmac.compare_digest(tag, self._tag(body)):
            return None
        expires_at = int.from_bytes(body[:_TIME_BYTES], "big") + NONCE_LIFETIME_MS
        return expires_at if now < expires_at else None

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, b"ciba-device-nonce.v1\0" + body, "sha256")[:_TAG_BYTES]
