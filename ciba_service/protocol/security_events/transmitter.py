"""What a transmitter of security events says of itself (OpenID Shared Signals Framework 1.0 7)."""

from typing import Final

import msgspec

__all__ = ["EVENT_KEYS_PATH", "PUSH_METHOD", "TransmitterMetadata"]

PUSH_METHOD: Final = "urn:ietf:rfc:8935"
EVENT_KEYS_PATH: Final = "/security-events/jwks"


class TransmitterMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """The document; streams are configured by the operator, so that it names no endpoint."""

    issuer: str
    jwks_uri: str
    spec_version: str = "1_0"
    delivery_methods_supported: tuple[str, ...] = (PUSH_METHOD,)
    default_subjects: str = "ALL"
