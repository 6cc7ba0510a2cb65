"""``id_token_hint``: an ID token that this service once issued to the client (CIBA 7.1, 14)."""

from typing import Final

from ciba_service.protocol.errors import Reason, UnknownUserIdError
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.claims import Claims, InvalidClaimsError
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.jose.verification import InvalidJwsError, verify_jws
from ciba_service.protocol.names import ID_TOKEN_TYP
from ciba_service.protocol.request.hints import (
    IdentifierKind,
    IdTokenHint,
    UserIdentifier,
    is_name,
)

__all__ = ["verify_id_token_hint"]

# RFC 8725 3.12: the service's other objects carry other types, and none of them is a hint.
_TYPE: Final = ID_TOKEN_TYP.lower()
_ALGORITHMS: Final = frozenset(SignatureAlgorithm) - {SignatureAlgorithm.RS256}


def verify_id_token_hint(
    hint: IdTokenHint,
    *,
    issuer: str,
    keys: KeySet,
    client_id: str,
    accepted_after_expiry: int,
    now: float,
) -> UserIdentifier:
    """Verify that it is an ID token of this service for ``client_id``, and say whom it is about.

    An expired one is taken for ``accepted_after_expiry`` seconds more; ``keys`` must hold the
    retired ones for as long. ``now`` is in seconds.

    Raises:
        UnknownUserIdError: when anything is wrong; the reason is its cause (CIBA 13).
    """
    try:
        verify_jws(hint.jws, keys=keys, algorithms=_ALGORITHMS)
        _verify_typ(hint)
        _verify_parties(hint.claims, issuer=issuer, client_id=client_id)
        _verify_age(hint.claims, accepted_after_expiry, now)
        return UserIdentifier(IdentifierKind.SUBJECT, _subject(hint.claims))
    except (InvalidJwsError, InvalidClaimsError) as error:
        raise UnknownUserIdError from Reason(f"id_token_hint: {error}")


def _verify_typ(hint: IdTokenHint) -> None:
    if hint.jws.header.typ != _TYPE:
        raise InvalidClaimsError("typ is not that of an ID token")


def _verify_parties(claims: Claims, *, issuer: str, client_id: str) -> None:
    if claims.text("iss") != issuer:
        raise InvalidClaimsError("iss is not this service")
    audience = claims.audience()
    if audience != client_id and not (isinstance(audience, tuple) and client_id in audience):
        raise InvalidClaimsError("aud is another client")


def _verify_age(claims: Claims, accepted_after_expiry: int, now: float) -> None:
    claims.not_future("iat", now)
    if now >= claims.seconds("exp") + accepted_after_expiry:
        raise InvalidClaimsError("it expired too long ago")


def _subject(claims: Claims) -> str:
    subject = claims.text("sub")
    if not is_name(subject):
        raise InvalidClaimsError("sub is too long or has control characters")
    return subject
