"""How phones are marked in the record of a transaction: by a hash, without their names."""

import hashlib
from typing import Final

from ciba_service.protocol.jose.encoding import base64url

__all__ = ["MARK_LENGTH", "phone_mark"]

_MARK_BYTES: Final = 6
MARK_LENGTH: Final = 8


def phone_mark(device_id: str) -> str:
    """Eight characters for a phone."""
    return base64url(hashlib.sha256(device_id.encode("ascii")).digest()[:_MARK_BYTES])
