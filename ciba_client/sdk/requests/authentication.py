"""The parameters of an authentication request (CIBA 7.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ciba_client.sdk.errors import InvalidAuthenticationRequest
from ciba_client.sdk.notifications.token import is_notification_token

__all__ = ["AuthenticationRequest"]

_HINTS: Final = ("login_hint", "login_hint_token", "id_token_hint")
_DOTS_OF_A_JWE: Final = 4  # RFC 7516 3.1
# What the SDK itself adds, and what would be a second client authentication (RFC 6749 2.3).
_RESERVED: Final = frozenset({
    "aud", "client_assertion", "client_assertion_type", "client_id", "client_secret", "exp",
    "iat", "iss", "jti", "nbf", "request", "request_uri", "sub",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationRequest:
    """What is asked of the provider and shown to the user.

    ``extensions`` are further parameters by name. What is not text (``authorization_details``,
    RFC 9396, among them) is a JSON value inside a signed request, JSON text in a form.
    ``request_context`` tells of the consumption device and its surroundings (FAPI-CIBA 6.2).

    Raises:
        InvalidAuthenticationRequest: not exactly one hint, an ID token as hint that is still
            encrypted, no ``openid`` scope, a requested expiry that is not positive, details without
            a type, a notification token that is none, or an extension with a reserved name.
    """

    scope: str
    login_hint: str | None = field(default=None, repr=False)
    login_hint_token: str | None = field(default=None, repr=False)
    id_token_hint: str | None = field(default=None, repr=False)
    binding_message: str | None = None
    user_code: str | None = field(default=None, repr=False)
    requested_expiry: int | None = None
    acr_values: str | None = None
    authorization_details: Sequence[Mapping[str, object]] = ()
    request_context: Mapping[str, object] | None = field(default=None, repr=False)
    client_notification_token: str | None = field(default=None, repr=False)
    extensions: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # CIBA 7.1: one hint and only one, since the provider must know whom to ask.
        if sum(getattr(self, hint) is not None for hint in _HINTS) != 1:
            raise InvalidAuthenticationRequest(f"give exactly one of {', '.join(_HINTS)}")
        # CIBA 7.1: what was encrypted for this client, nobody but this client can read.
        if self.id_token_hint is not None and self.id_token_hint.count(".") == _DOTS_OF_A_JWE:
            raise InvalidAuthenticationRequest("decrypt the ID token before it is a hint")
        if "openid" not in self.scope.split():
            raise InvalidAuthenticationRequest("the scope must contain openid")
        if self.requested_expiry is not None and self.requested_expiry <= 0:
            raise InvalidAuthenticationRequest("requested_expiry must be a positive number")
        self._verify_details()
        self._verify_notification_token()
        self._verify_extensions()

    def _verify_details(self) -> None:
        # RFC 9396 2: the type says what the rest means.
        if not all(isinstance(detail.get("type"), str) for detail in self.authorization_details):
            raise InvalidAuthenticationRequest("each of the authorization_details needs a type")

    def _verify_notification_token(self) -> None:
        token = self.client_notification_token
        if token is not None and not is_notification_token(token):
            raise InvalidAuthenticationRequest(
                "the client_notification_token is no bearer token of 22 to 1024 characters"
            )

    def _verify_extensions(self) -> None:
        for name in self.extensions:
            if name in _RESERVED or name in self._standard():
                raise InvalidAuthenticationRequest(f"{name} cannot be an extension parameter")

    def claims(self) -> dict[str, object]:
        """The parameters as members of a signed request object."""
        given = {**self._standard(), **self.extensions}
        return {name: value for name, value in given.items() if value is not None}

    def form(self) -> dict[str, str]:
        """The parameters as form fields."""
        return {name: _as_text(value) for name, value in self.claims().items()}

    def _standard(self) -> dict[str, object]:
        return {
            "scope": self.scope,
            "login_hint": self.login_hint,
            "login_hint_token": self.login_hint_token,
            "id_token_hint": self.id_token_hint,
            "binding_message": self.binding_message,
            "user_code": self.user_code,
            "requested_expiry": self.requested_expiry,
            "acr_values": self.acr_values,
            "authorization_details": list(self.authorization_details) or None,
            "request_context": self.request_context,
            "client_notification_token": self.client_notification_token,
        }


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
