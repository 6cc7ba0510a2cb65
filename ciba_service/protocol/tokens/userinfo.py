"""Claims about the user that a grant reaches (OpenID Connect Core 5.1, 5.3.2, 5.4)."""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from ciba_service.protocol.errors import InsufficientScopeError, Reason
from ciba_service.protocol.names import OPENID_SCOPE

__all__ = [
    "SCOPE_CLAIMS",
    "Address",
    "UserClaims",
    "UserinfoResponse",
    "chosen_claims",
    "granted_claims",
]

_Text = Annotated[str, msgspec.Meta(min_length=1)]


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A postal address (OpenID Connect Core 5.1.1)."""

    formatted: _Text | None = None
    street_address: _Text | None = None
    locality: _Text | None = None
    region: _Text | None = None
    postal_code: _Text | None = None
    country: _Text | None = None


class UserClaims(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """What is known about a user, under the standard names; what is not known is left out."""

    name: _Text | None = None
    given_name: _Text | None = None
    family_name: _Text | None = None
    middle_name: _Text | None = None
    nickname: _Text | None = None
    preferred_username: _Text | None = None
    profile: _Text | None = None
    picture: _Text | None = None
    website: _Text | None = None
    gender: _Text | None = None
    birthdate: _Text | None = None
    zoneinfo: _Text | None = None
    locale: _Text | None = None
    updated_at: int | None = None
    email: _Text | None = None
    email_verified: bool | None = None
    address: Address | None = None
    phone_number: _Text | None = None
    phone_number_verified: bool | None = None


class UserinfoResponse(UserClaims, frozen=True, kw_only=True):
    """The answer of the userinfo endpoint (OpenID Connect Core 5.3.2)."""

    sub: str


_OTHERS: Final[Mapping[str, frozenset[str]]] = {
    "email": frozenset({"email", "email_verified"}),
    "address": frozenset({"address"}),
    "phone": frozenset({"phone_number", "phone_number_verified"}),
}
SCOPE_CLAIMS: Final[Mapping[str, frozenset[str]]] = {
    **_OTHERS,
    "profile": frozenset(UserClaims.__struct_fields__).difference(*_OTHERS.values()),
}


def granted_claims(subject: str, scope: tuple[str, ...], known: UserClaims) -> UserinfoResponse:
    """``sub``, and of what is ``known`` about the user the claims that ``scope`` covers.

    Raises:
        InsufficientScopeError: without ``openid`` there is nothing to tell.
    """
    if OPENID_SCOPE not in scope:
        raise InsufficientScopeError(OPENID_SCOPE) from Reason("openid was not granted")
    told = _told(_covered(scope), known)
    return msgspec.convert({**told, "sub": subject}, UserinfoResponse)


def chosen_claims(names: tuple[str, ...], scope: tuple[str, ...], known: UserClaims) -> UserClaims:
    """Of what is ``known`` the claims of these ``names`` that ``scope`` covers.

    Asking for a claim by its name reaches nothing that the user was not shown with the scope
    (OpenID Connect Core 5.5: claims may be left out).
    """
    return msgspec.convert(_told(_covered(scope) & frozenset(names), known), UserClaims)


def _covered(scope: tuple[str, ...]) -> frozenset[str]:
    return frozenset[str]().union(*(SCOPE_CLAIMS.get(token, frozenset()) for token in scope))


def _told(names: frozenset[str], known: UserClaims) -> dict[str, object]:
    return {name: value for name, value in msgspec.structs.asdict(known).items() if name in names}
