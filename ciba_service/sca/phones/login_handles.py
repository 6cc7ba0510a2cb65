"""Login handles: made for one phone's user, shown to one client, good for one request.

FAPI-CIBA 7.2 and 7.3: an ephemeral name from the authentication device tells nobody who the user
is, and whoever presents it has been beside the phone just now.
"""

from collections.abc import Callable
from typing import Final

from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.request.hints import HANDLE_PREFIX

__all__ = ["HANDLE_LIFETIME_MS", "HANDLE_LIMIT", "new_login_handle"]

HANDLE_LIFETIME_MS: Final = 180_000
HANDLE_LIMIT: Final = 3
"""How many handles of a user count at once; a further one takes the place of the oldest."""
_RANDOM_BYTES: Final = 16


def new_login_handle(token_bytes: Callable[[int], bytes]) -> str:
    """128 random bits in base64url behind the prefix: 34 characters that fit a small QR code."""
    return HANDLE_PREFIX + base64url(token_bytes(_RANDOM_BYTES))
