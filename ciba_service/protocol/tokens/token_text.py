"""Tokens as text: what they look like, what names their grant, and the hash that is stored.

Every token names the transaction it comes from, a JWT in ``txn``, any other in its first bytes.
So one look-up in one partition finds a token with its grant; the name alone opens nothing.
"""

import hashlib
from collections.abc import Callable
from typing import Final

from ciba_service.protocol.jose.claims import Claims, InvalidClaimsError
from ciba_service.protocol.jose.encoding import (
    MalformedEncodingError,
    base64url,
    parse_base64url,
)
from ciba_service.protocol.jose.verification import InvalidJwsError, parse_jws

__all__ = ["MAXIMUM_TOKEN_LENGTH", "new_token", "token_hash", "transaction_of"]

MAXIMUM_TOKEN_LENGTH: Final = 8192
_SECRET_BYTES: Final = 32
_NAME_BYTES: Final = 16


def new_token(transaction_id: str, token_bytes: Callable[[int], bytes]) -> str:
    """An opaque token: the transaction's name and 256 random bits, in 64 characters."""
    return base64url(parse_base64url(transaction_id) + token_bytes(_SECRET_BYTES))


def token_hash(text: str) -> str:
    """SHA-256 of a token, in base64url: all that is kept of it."""
    return base64url(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())


def transaction_of(text: str) -> str | None:
    """The transaction a token claims to come from, or None when it is no token of ours.

    Nothing is verified here: a token is ours when its hash is found with that transaction.
    """
    if len(text) > MAXIMUM_TOKEN_LENGTH:
        return None
    try:
        if "." in text:
            name = Claims.parse(parse_jws(text).payload).text("txn")
            return name if len(parse_base64url(name)) == _NAME_BYTES else None
        token = parse_base64url(text)
    except (InvalidClaimsError, InvalidJwsError, MalformedEncodingError):
        return None
    return base64url(token[:_NAME_BYTES]) if len(token) == _NAME_BYTES + _SECRET_BYTES else None
