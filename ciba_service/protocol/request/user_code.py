"""``user_code``: a secret between user and service that a request must show (CIBA 7.1.2)."""

import hmac
import unicodedata
from dataclasses import dataclass, field
from typing import Final

from ciba_service.protocol.errors import (
    InvalidParameterError,
    InvalidUserCodeError,
    MissingUserCodeError,
    Reason,
)

__all__ = [
    "ATTEMPT_LIMIT",
    "ATTEMPT_WINDOW",
    "SALT_BYTES",
    "StoredUserCode",
    "UserCode",
    "demanded_user_code",
    "parse_user_code",
    "user_code_digest",
    "verify_user_code",
]

MAXIMUM_LENGTH: Final = 64
SALT_BYTES: Final = 16
# Of one client at one user: so many attempts count, each for so many seconds.
ATTEMPT_LIMIT: Final = 5
ATTEMPT_WINDOW: Final = 3600
_LABEL: Final = b"ciba-user-code.v1\0"


@dataclass(frozen=True, slots=True)
class UserCode:
    """A code as it was presented; its ``repr`` is masked."""

    value: str

    def __repr__(self) -> str:
        return "UserCode(...)"


@dataclass(frozen=True, slots=True)
class StoredUserCode:
    """What is kept of a user's code: 16 random bytes, and ``user_code_digest`` over them."""

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)


def parse_user_code(text: str) -> UserCode:
    """A code of 1 to 64 printable characters.

    Raises:
        InvalidRequestError: when it is longer, or has control characters.
    """
    if not 1 <= len(text) <= MAXIMUM_LENGTH or not text.isprintable():
        raise InvalidParameterError("user_code") from Reason("user_code is malformed")
    return UserCode(text)


def demanded_user_code(
    presented: UserCode | None,
    *,
    client_asks_for_codes: bool,
    user_has_code: bool,
    hint_is_static: bool,
) -> UserCode | None:
    """The code that must verify before any phone is told; None when no code is needed.

    A client that did not register ``backchannel_user_code_parameter`` cannot ask for codes: what
    it sends is passed over, and its users are not protected by them. Nor is a code demanded where
    the hint is no static identifier: a handle made by the user's phone, or an ID token.

    Raises:
        MissingUserCodeError: when this user's code is needed and was not sent.
        InvalidUserCodeError: when one was sent for a user who has none.
    """
    if not client_asks_for_codes:
        return None
    if presented is None:
        if user_has_code and hint_is_static:
            raise MissingUserCodeError
        return None
    if not user_has_code:
        raise InvalidUserCodeError from Reason("the user has no user code")
    return presented


def user_code_digest(code: str, *, subject: str, salt: bytes, pepper: bytes) -> bytes:
    """HMAC-SHA-256 under a key of the service, over salt, user and the code in NFC."""
    normal = unicodedata.normalize("NFC", code)
    message = b"".join((_LABEL, salt, f"{subject}\0{normal}".encode()))
    return hmac.digest(pepper, message, "sha256")


def verify_user_code(
    presented: UserCode, *, subject: str, stored: StoredUserCode, pepper: bytes
) -> None:
    """Compare in constant time; an attempt must have been reserved before.

    Raises:
        InvalidUserCodeError: when it is not the code of ``subject``.
    """
    digest = user_code_digest(presented.value, subject=subject, salt=stored.salt, pepper=pepper)
    if not hmac.compare_digest(digest, stored.digest):
        raise InvalidUserCodeError from Reason("the user code is wrong")
