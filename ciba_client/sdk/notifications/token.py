"""``client_notification_token``: by it a client knows the notifications of one request."""

import re
import secrets
from typing import Final

__all__ = ["is_notification_token", "new_notification_token"]

_RANDOM_BYTES: Final = 32
# Letters, digits and few signs (RFC 6750 2.1), 1024 at most, and room for 128 bits (CIBA 7.1).
_SYNTAX: Final = re.compile(r"(?=.{22,1024}\Z)[A-Za-z0-9._~+/-]+=*\Z", re.ASCII)


def new_notification_token() -> str:
    """A token of 256 random bits (CIBA 7.1 demands 128 and recommends 160)."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def is_notification_token(text: str) -> bool:
    """Whether a provider can take it, and it is long enough to be no guess."""
    return _SYNTAX.match(text) is not None
