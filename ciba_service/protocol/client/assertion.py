"""private_key_jwt: a client proves who it is with a signed assertion (RFC 7523, OIDC Core 9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import InvalidClientError, Reason
from ciba_service.protocol.jose.claims import FUTURE_SKEW, Claims, InvalidClaimsError
from ciba_service.protocol.jose.verification import (
    CompactJws,
    InvalidJwsError,
    parse_jws,
    verify_jws,
)
from ciba_service.protocol.names import CLIENT_ASSERTION_TYPE
from ciba_service.protocol.profiles import AudiencePolicy
from ciba_service.protocol.security_events.causes import Cause

__all__ = [
    "Audiences",
    "PresentedAssertion",
    "VerifiedAssertion",
    "parse_assertion",
    "verify_assertion",
]

# RFC 8725 3.12: an object typed for another use is no client assertion.
_ALLOWED_TYPES: Final = frozenset({None, "jwt", "client-authentication+jwt"})


@dataclass(frozen=True, slots=True)
class Audiences:
    """What this server is called in ``aud``: the issuer, and the URLs of its endpoints."""

    issuer: str
    endpoints: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """Every name at once."""
        return self.endpoints | {self.issuer}


class PresentedAssertion(msgspec.Struct, frozen=True):
    """An assertion as it was presented: who it claims to be from, not yet verified."""

    client_id: str
    jws: CompactJws
    claims: Claims

    def __repr__(self) -> str:
        return f"PresentedAssertion(client_id={self.client_id!r})"


class VerifiedAssertion(msgspec.Struct, frozen=True):
    """Proof that ``client`` signed; ``jti`` must still be found unused until ``expires_at``."""

    client: Client
    jti: str
    expires_at: float


def parse_assertion(form: Mapping[str, str]) -> PresentedAssertion:
    """Take the client assertion out of a form.

    Raises:
        InvalidClientError: when none or a malformed one is presented, or when ``client_id`` names
            somebody else (RFC 7521 4.2).
    """
    if "client_secret" in form:
        raise InvalidClientError from Reason("client_secret is not accepted", Cause.METHOD)
    if form.get("client_assertion_type") != CLIENT_ASSERTION_TYPE:
        raise InvalidClientError from Reason(
            "client_assertion_type is missing or unknown", Cause.METHOD
        )
    try:
        jws = parse_jws(form.get("client_assertion", ""))
        claims = Claims.parse(jws.payload)
        client_id = claims.text("sub")
    except (InvalidJwsError, InvalidClaimsError) as error:
        raise InvalidClientError from Reason(f"client_assertion: {error}", error.cause)
    if form.get("client_id", client_id) != client_id:
        raise InvalidClientError from Reason("client_id and client_assertion differ", Cause.CLAIMS)
    return PresentedAssertion(client_id=client_id, jws=jws, claims=claims)


def verify_assertion(
    presented: PresentedAssertion, *, client: Client, audiences: Audiences, now: float
) -> VerifiedAssertion:
    """Verify signature and claims; ``now`` is in seconds.

    Raises:
        InvalidClientError: when anything is wrong; the reason is its cause.
    """
    try:
        verify_jws(presented.jws, keys=client.keys, algorithms=client.assertion_algorithms)
        return _verify_claims(presented, client, audiences, now)
    except (InvalidJwsError, InvalidClaimsError) as error:
        raise InvalidClientError from Reason(f"client_assertion: {error}", error.cause)


def _verify_claims(
    presented: PresentedAssertion, client: Client, audiences: Audiences, now: float
) -> VerifiedAssertion:
    claims = presented.claims
    if presented.jws.header.typ not in _ALLOWED_TYPES:
        raise InvalidClaimsError("typ is that of another object")
    if claims.text("iss") != client.client_id or claims.text("sub") != client.client_id:
        raise InvalidClaimsError("iss and sub are not the client_id")
    _verify_audience(claims.audience(), client.profile.audience, audiences)
    expires_at = claims.unexpired(now)
    lifetime = client.profile.assertion_lifetime
    if expires_at > now + lifetime + FUTURE_SKEW:
        raise InvalidClaimsError("exp is too far in the future", Cause.TIME)
    claims.not_future("nbf", now)
    issued_at = claims.not_future("iat", now)
    if issued_at is not None and expires_at - issued_at > lifetime:
        raise InvalidClaimsError("it lives for too long", Cause.TIME)
    return VerifiedAssertion(client=client, jti=claims.jti(), expires_at=expires_at)


def _verify_audience(
    audience: str | tuple[str, ...], policy: AudiencePolicy, audiences: Audiences
) -> None:
    if audience == audiences.issuer:
        return
    named = {audience} if isinstance(audience, str) else set(audience)
    if policy is AudiencePolicy.ISSUER_STRING or named.isdisjoint(audiences.names):
        raise InvalidClaimsError("aud does not name this server", Cause.AUDIENCE)
