"""``login_hint_token``: a JWT in which an issuer known here names the user (CIBA 7.1, 14)."""

from dataclasses import dataclass, field
from typing import Final

from ciba_service.protocol.errors import ExpiredLoginHintTokenError, Reason, UnknownUserIdError
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.claims import FUTURE_SKEW, Claims, InvalidClaimsError
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.jose.verification import InvalidJwsError, verify_jws
from ciba_service.protocol.request.hints import LoginHintToken, UserIdentifier
from ciba_service.protocol.request.subject_identifier import parse_subject

__all__ = [
    "DEFAULT_MAXIMUM_LIFETIME",
    "HintReplay",
    "LoginHintIssuer",
    "VerifiedLoginHintToken",
    "verify_login_hint_token",
]

DEFAULT_MAXIMUM_LIFETIME: Final = 3600

# RFC 8725 3.12: an object typed for another use is no hint.
_ALLOWED_TYPES: Final = frozenset({None, "jwt"})


@dataclass(frozen=True, slots=True)
class LoginHintIssuer:
    """Somebody whose login hint tokens count, and how they must be made.

    ``audiences`` are further names that it has for this service beside the issuer identifier;
    ``maximum_lifetime`` is in seconds. Tokens of a ``single_use`` issuer need a ``jti``.
    """

    iss: str
    keys: KeySet = field(repr=False)
    algorithms: frozenset[SignatureAlgorithm]
    audiences: frozenset[str] = frozenset()
    maximum_lifetime: int = DEFAULT_MAXIMUM_LIFETIME
    single_use: bool = False


@dataclass(frozen=True, slots=True)
class HintReplay:
    """The ``jti`` of ``iss`` that must be found unused until ``expires_at`` (seconds)."""

    iss: str
    jti: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class VerifiedLoginHintToken:
    """Whom a known issuer named; ``replay`` is there when that may be said only once."""

    identifier: UserIdentifier
    replay: HintReplay | None


def verify_login_hint_token(
    hint: LoginHintToken, *, issuers: tuple[LoginHintIssuer, ...], issuer: str, now: float
) -> VerifiedLoginHintToken:
    """Verify signature and claims; ``issuer`` is this service, ``now`` is in seconds.

    Raises:
        ExpiredLoginHintTokenError: when nothing else is wrong with it (CIBA 13).
        UnknownUserIdError: for everything else; the reason is its cause.
    """
    try:
        known = _issuer(hint.claims, issuers)
        verify_jws(hint.jws, keys=known.keys, algorithms=known.algorithms)
        _verify_typ(hint)
        _verify_audience(hint.claims, known.audiences | {issuer})
        expires_at = _lifetime(hint.claims, known, now)
        verified = VerifiedLoginHintToken(
            identifier=parse_subject(hint.claims, issuer=issuer),
            replay=_replay(hint.claims, known, expires_at),
        )
    except (InvalidJwsError, InvalidClaimsError) as error:
        raise UnknownUserIdError from Reason(f"login_hint_token: {error}")
    if now >= expires_at:
        raise ExpiredLoginHintTokenError from Reason("login_hint_token: exp has passed")
    return verified


def _issuer(claims: Claims, issuers: tuple[LoginHintIssuer, ...]) -> LoginHintIssuer:
    iss = claims.text("iss")
    for known in issuers:
        if known.iss == iss:
            return known
    raise InvalidClaimsError("iss is not known here")


def _verify_typ(hint: LoginHintToken) -> None:
    if hint.jws.header.typ not in _ALLOWED_TYPES:
        raise InvalidClaimsError("typ is that of another object")


def _verify_audience(claims: Claims, names: frozenset[str]) -> None:
    audience = claims.audience()
    named = {audience} if isinstance(audience, str) else set(audience)
    if named.isdisjoint(names):
        raise InvalidClaimsError("aud does not name this service")


def _lifetime(claims: Claims, known: LoginHintIssuer, now: float) -> float:
    expires_at = claims.seconds("exp")
    claims.not_future("nbf", now)
    issued_at = claims.not_future("iat", now)
    if expires_at > now + known.maximum_lifetime + FUTURE_SKEW:
        raise InvalidClaimsError("exp is too far in the future")
    if issued_at is not None and expires_at - issued_at > known.maximum_lifetime:
        raise InvalidClaimsError("it lives longer than tokens of this issuer may")
    return expires_at


def _replay(claims: Claims, known: LoginHintIssuer, expires_at: float) -> HintReplay | None:
    if not known.single_use:
        return None
    return HintReplay(iss=known.iss, jti=claims.jti(), expires_at=expires_at)
