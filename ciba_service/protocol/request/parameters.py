"""Single parameters of an authentication request, parsed into types that cannot be wrong.

One reader serves both shapes of a request: a form, where every value is text, and a signed request
object, where extensions may use other JSON types (CIBA 7.1, 7.1.1).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ciba_service.protocol.errors import (
    HintCountError,
    InvalidParameterError,
    InvalidScopeError,
    MissingParameterError,
    Reason,
)
from ciba_service.protocol.jose.claims import Claims, InvalidClaimsError
from ciba_service.protocol.jose.verification import CompactJws, InvalidJwsError, parse_jws
from ciba_service.protocol.names import OPENID_SCOPE
from ciba_service.protocol.request.hints import (
    Hint,
    IdTokenHint,
    LoginHint,
    LoginHintToken,
    is_name,
)

__all__ = [
    "AUTHENTICATION_PARAMETERS",
    "ClientNotificationToken",
    "LoginHint",
    "Parameters",
    "is_scope_token",
    "parse_acr_values",
    "parse_hint",
    "parse_notification_token",
    "parse_requested_expiry",
    "parse_scope",
]

# What makes up an authentication request; next to ``request`` none of it may stand (CIBA 7.1.1).
AUTHENTICATION_PARAMETERS: Final = frozenset(
    {"scope", "client_notification_token", "acr_values", "login_hint_token", "id_token_hint"}
    | {"login_hint", "binding_message", "user_code", "requested_expiry"}
    | {"request_context", "authorization_details", "claims", "resource"}
)

MAXIMUM_HINT_TOKEN_LENGTH: Final = 8192
MAXIMUM_TOKEN_LENGTH: Final = 1024
MAXIMUM_SCOPE_LENGTH: Final = 2048
MAXIMUM_ACR_VALUES_LENGTH: Final = 1024
_HINTS: Final = ("login_hint_token", "id_token_hint", "login_hint")
_SCOPE_TOKEN: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+", re.ASCII)
_BEARER: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
# Python reads no thousands of digits.
_EXPIRY: Final = re.compile(r"[0-9]{1,1024}", re.ASCII)


class Parameters:
    """The parameters of one request, from a form or from a request object."""

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, object]) -> None:
        self._members = members

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def get(self, name: str) -> object:
        """The raw value, or None when absent."""
        return self._members.get(name)

    def text(self, name: str) -> str | None:
        """A core parameter: a string or nothing (CIBA 7.1.1)."""
        value = self.get(name)
        if value is None or isinstance(value, str):
            return value
        raise InvalidParameterError(name) from Reason(f"{name} is not a string")


@dataclass(frozen=True, slots=True)
class ClientNotificationToken:
    """The bearer token the client expects with a callback; its ``repr`` is masked."""

    value: str

    def __repr__(self) -> str:
        return "ClientNotificationToken(...)"


def is_scope_token(text: str) -> bool:
    """Whether a text is one of the words of a scope (RFC 6749 3.3)."""
    return _SCOPE_TOKEN.fullmatch(text) is not None


def parse_scope(parameters: Parameters, allowed: frozenset[str]) -> tuple[str, ...]:
    """``scope`` in the order asked, each once, each allowed, ``openid`` among them (CIBA 7.1).

    Raises:
        InvalidRequestError: when it is absent.
        InvalidScopeError: when it is malformed, not allowed, or lacks ``openid``.
    """
    scope = parameters.text("scope")
    if scope is None:
        raise MissingParameterError("scope") from Reason("scope is missing")
    if len(scope) > MAXIMUM_SCOPE_LENGTH:
        raise InvalidScopeError from Reason("scope is too long")
    tokens = tuple(dict.fromkeys(scope.split(" ")))
    if not all(map(is_scope_token, tokens)):
        raise InvalidScopeError from Reason("scope is malformed")
    if OPENID_SCOPE not in tokens:
        raise InvalidScopeError from Reason("scope lacks openid")
    if not allowed.issuperset(tokens):
        raise InvalidScopeError from Reason("scope exceeds what the client registered")
    return tokens


def parse_hint(parameters: Parameters) -> Hint:
    """The one hint of the request; a token is taken apart, but not yet verified (CIBA 7.1).

    Raises:
        InvalidRequestError: when there is none or more than one, or when it is malformed.
    """
    present = [name for name in _HINTS if name in parameters]
    if len(present) != 1:
        raise HintCountError from Reason(f"{len(present)} hints instead of one")
    name = present[0]
    text = parameters.text(name) or ""
    match name:
        case "login_hint":
            return _login_hint(text)
        case "login_hint_token":
            return LoginHintToken(*_hint_token(name, text))
        case _:
            return IdTokenHint(*_hint_token(name, text))


def _login_hint(text: str) -> LoginHint:
    if not is_name(text):
        reason = Reason("login_hint is too long or has control characters")
        raise InvalidParameterError("login_hint") from reason
    return LoginHint(text)


def _hint_token(name: str, text: str) -> tuple[CompactJws, Claims]:
    if len(text) > MAXIMUM_HINT_TOKEN_LENGTH:
        raise InvalidParameterError(name) from Reason(f"{name} is too long")
    try:
        jws = parse_jws(text)
        return jws, Claims.parse(jws.payload)
    except (InvalidJwsError, InvalidClaimsError) as error:
        raise InvalidParameterError(name) from Reason(f"{name}: {error}")


def parse_notification_token(parameters: Parameters) -> ClientNotificationToken | None:
    """``client_notification_token``: bearer syntax, at most 1024 characters (CIBA 7.1).

    Raises:
        InvalidRequestError: when it is longer or of another shape.
    """
    value = parameters.text("client_notification_token")
    if value is None:
        return None
    if len(value) > MAXIMUM_TOKEN_LENGTH or not _BEARER.fullmatch(value):
        reason = Reason("client_notification_token is malformed")
        raise InvalidParameterError("client_notification_token") from reason
    return ClientNotificationToken(value)


def parse_requested_expiry(parameters: Parameters) -> int | None:
    """``requested_expiry`` in seconds, as JSON string or number (CIBA 7.1, 7.1.1).

    Raises:
        InvalidRequestError: when it is not a positive integer.
    """
    value = parameters.get("requested_expiry")
    match value:
        case None:
            return None
        case bool():
            seconds = 0
        case int():
            seconds = value
        case float() if value.is_integer():
            seconds = int(value)
        case str() if _EXPIRY.fullmatch(value):
            seconds = int(value)
        case _:
            seconds = 0
    if seconds <= 0:
        reason = Reason("requested_expiry is not a positive integer")
        raise InvalidParameterError("requested_expiry") from reason
    return seconds


def parse_acr_values(parameters: Parameters) -> tuple[str, ...]:
    """``acr_values`` in order of preference, at most 1024 characters of them (CIBA 7.1).

    Raises:
        InvalidRequestError: when it is longer.
    """
    value = parameters.text("acr_values") or ""
    if len(value) > MAXIMUM_ACR_VALUES_LENGTH:
        raise InvalidParameterError("acr_values") from Reason("acr_values is too long")
    return tuple(dict.fromkeys(value.split()))
