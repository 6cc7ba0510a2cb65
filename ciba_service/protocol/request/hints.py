"""The one hint of a request, and whom it names (CIBA 7.1).

A hint is only read here: whether its user exists is the directory's to say, and what a token
proves is in ``login_hint_token`` and ``id_token_hint``.
"""

import re
import string
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ciba_service.protocol.jose.claims import Claims
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.jose.verification import CompactJws

__all__ = [
    "HANDLE_PREFIX",
    "MAXIMUM_NAME_LENGTH",
    "Hint",
    "IdTokenHint",
    "IdentifierKind",
    "LoginHint",
    "LoginHintToken",
    "UserIdentifier",
    "hint_name",
    "is_name",
    "parse_login_hint",
]

# What OpenID Connect Core 2 allows a sub.
MAXIMUM_NAME_LENGTH: Final = 255
HANDLE_PREFIX: Final = "ciba-handle:"

# 128 bits in base64url, with no bits left over.
_HANDLE: Final = re.compile(re.escape(HANDLE_PREFIX) + "[A-Za-z0-9_-]{21}[AQgw]", re.ASCII)
_EMAIL: Final = re.compile(
    r"(?P<local>[^\s@\"(),:;<>\[\\\]]{1,64})@"
    r"(?P<domain>(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63})"
)
_SEPARATORS: Final = re.compile(r"[ ()-]", re.ASCII)
_PHONE_NUMBER: Final = re.compile(r"\+[1-9][0-9]{4,14}", re.ASCII)
# No other letters: some that are not ASCII become ASCII when their case is folded.
_ASCII_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class IdentifierKind(StrEnum):
    """How a hint names a user; what the value then is."""

    SUBJECT = "sub"  # to the letter
    NAME = "name"  # the sub, or any other name the user was given, to the letter
    EMAIL = "email"  # ASCII letters in lower case
    PHONE_NUMBER = "phone_number"  # E.164: a plus sign and 5 to 15 digits
    HANDLE = "handle"  # made by a phone for one use, with its prefix


@dataclass(frozen=True, slots=True)
class UserIdentifier:
    """Whom a hint names: equal when it names the same, whatever the spelling was."""

    kind: IdentifierKind
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoginHint:
    """``login_hint``: an identifier of the user, as the client knows it."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoginHintToken:
    """``login_hint_token``: a JWS taken apart, not yet verified."""

    jws: CompactJws = field(repr=False)
    claims: Claims = field(repr=False)


@dataclass(frozen=True, slots=True)
class IdTokenHint:
    """``id_token_hint``: a JWS taken apart, not yet verified."""

    jws: CompactJws = field(repr=False)
    claims: Claims = field(repr=False)


Hint = LoginHint | LoginHintToken | IdTokenHint


def hint_name(hint: Hint) -> str:
    """What a hint is counted under: the same for all spellings of a name, and for one token."""
    if isinstance(hint, LoginHint):
        identifier = parse_login_hint(hint.value)
        return f"{identifier.kind}\0{identifier.value}"
    return base64url(hint.jws.signing_input)


def is_name(text: str) -> bool:
    """Whether it can be a name of a user: 1 to 255 characters, none of them a control."""
    return 1 <= len(text) <= MAXIMUM_NAME_LENGTH and text.isprintable()


def parse_login_hint(text: str) -> UserIdentifier:
    """How a login hint is read; the directory reads the hints it keeps the same way.

    An e-mail address counts without regard to the case of ASCII letters, in both of its parts; a
    phone number without spaces, hyphens and brackets. What looks like neither is a name.
    """
    if _HANDLE.fullmatch(text):
        return UserIdentifier(IdentifierKind.HANDLE, text)
    if _EMAIL.fullmatch(text):
        return UserIdentifier(IdentifierKind.EMAIL, text.translate(_ASCII_LOWER))
    number = _SEPARATORS.sub("", text)
    if _PHONE_NUMBER.fullmatch(number):
        return UserIdentifier(IdentifierKind.PHONE_NUMBER, number)
    return UserIdentifier(IdentifierKind.NAME, text)
