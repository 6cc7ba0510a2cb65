"""``claims``: single claims that a client asks for (OpenID Connect Core 5.5).

Only claims that this service knows are kept: others, and members it does not understand, are
passed over whatever they hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from ciba_service.protocol.errors import (
    InvalidParameterError,
    Reason,
    UnmetAuthenticationRequirementsError,
)
from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json
from ciba_service.protocol.tokens.userinfo import UserinfoResponse

__all__ = ["KNOWN_CLAIMS", "ClaimValue", "ClaimsRequest", "RequestedClaim", "parse_claims"]

MAXIMUM_LENGTH: Final = 8192
KNOWN_CLAIMS: Final = frozenset({"acr", "amr", "auth_time", *UserinfoResponse.__struct_fields__})

_TEXT_CLAIMS: Final = frozenset({"acr", "sub"})
_LARGEST_INTEGER: Final = 2**53

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
_Integer = Annotated[int, msgspec.Meta(ge=-_LARGEST_INTEGER, le=_LARGEST_INTEGER)]

ClaimValue = str | bool | int


@dataclass(frozen=True, slots=True)
class RequestedClaim:
    """One claim; ``values`` are those it should have, the preferred first, if any were given."""

    name: str
    essential: bool = False
    values: tuple[ClaimValue, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """The claims asked for in the ID token and at the userinfo endpoint, of those known here."""

    id_token: tuple[RequestedClaim, ...] = ()
    userinfo: tuple[RequestedClaim, ...] = ()

    @property
    def required_acr(self) -> tuple[str, ...]:
        """The acr values of which one must be reached; empty: any will do (5.5.1.1)."""
        return self._texts("acr", essential=True)

    @property
    def preferred_acr(self) -> tuple[str, ...]:
        """The acr values that are merely wished for, like ``acr_values``."""
        return self._texts("acr", essential=False)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects of which the user must be one; empty: anybody (5.5.1)."""
        return self._texts("sub", essential=True) or self._texts("sub", essential=False)

    def verify_acr(self, reached: str) -> None:
        """Hold that the authentication that will be asked for is one the client can do with.

        Raises:
            UnmetAuthenticationRequirementsError: when another acr is required.
        """
        if self.required_acr and reached not in self.required_acr:
            raise UnmetAuthenticationRequirementsError from Reason(f"{reached} is not required acr")

    def _texts(self, name: str, *, essential: bool) -> tuple[str, ...]:
        return tuple(
            str(value)
            for claim in self.id_token
            if claim.name == name and claim.essential is essential
            for value in claim.values
        )


class _Wish(msgspec.Struct, frozen=True):
    essential: bool = False
    value: _Text | bool | _Integer | None = None
    values: Annotated[tuple[_Text | bool | _Integer, ...], msgspec.Meta(max_length=16)] = ()


def parse_claims(value: object) -> ClaimsRequest:
    """Read the parameter, JSON text in a form or an object in a request object.

    Raises:
        InvalidRequestError: when it is malformed or too long.
    """
    if value is None:
        return ClaimsRequest()
    members = _members(value)
    return ClaimsRequest(
        id_token=_requested("id_token", members.get("id_token")),
        userinfo=_requested("userinfo", members.get("userinfo")),
    )


def _members(value: object) -> Mapping[str, object]:
    if isinstance(value, str):
        if len(value) > MAXIMUM_LENGTH:
            raise InvalidParameterError("claims") from Reason("claims is too long")
        try:
            value = parse_json(value.encode("utf-8"))
        except (MalformedEncodingError, UnicodeEncodeError) as error:
            raise InvalidParameterError("claims") from Reason(f"claims is {error}")
    if not isinstance(value, Mapping):
        raise InvalidParameterError("claims") from Reason("claims is not a JSON object")
    return value


def _requested(place: str, value: object) -> tuple[RequestedClaim, ...]:
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise InvalidParameterError("claims") from Reason(f"claims: {place} is not a JSON object")
    known = ((name, wish) for name, wish in value.items() if name in KNOWN_CLAIMS)
    return tuple(_requested_claim(name, wish) for name, wish in known)


def _requested_claim(name: str, value: object) -> RequestedClaim:
    if value is None:
        return RequestedClaim(name)
    try:
        wish = msgspec.convert(value, _Wish)
    except msgspec.ValidationError as error:
        raise InvalidParameterError("claims") from Reason(f"claims: {name}: {error}")
    values = wish.values if wish.value is None else (wish.value, *wish.values)
    if name in _TEXT_CLAIMS and not all(isinstance(value, str) for value in values):
        raise InvalidParameterError("claims") from Reason(
            f"claims: {name} has a value that is not a string"
        )
    return RequestedClaim(name, essential=wish.essential, values=values)
