"""Software statements: what a third party vouches for (RFC 7591 2.3, 3.1.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ciba_service.protocol.errors import (
    InvalidSoftwareStatementError,
    Reason,
    UnapprovedSoftwareStatementError,
)
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.claims import Claims, InvalidClaimsError
from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json_object
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.jose.verification import InvalidJwsError, parse_jws, verify_jws
from ciba_service.protocol.security_events.causes import Cause

__all__ = ["StatementIssuer", "with_software_statement"]

_MEMBER: Final = "software_statement"
# Beside the members: what the statement says of itself, and whom it must not name.
_NO_METADATA: Final = frozenset(
    {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", _MEMBER}
)


@dataclass(frozen=True, slots=True)
class StatementIssuer:
    """Somebody whose software statements count."""

    iss: str
    keys: KeySet = field(repr=False)
    algorithms: frozenset[SignatureAlgorithm]


def with_software_statement(
    members: Mapping[str, object],
    *,
    issuers: tuple[StatementIssuer, ...],
    audiences: frozenset[str],
    now: float,
    taken: str | None = None,
) -> Mapping[str, object]:
    """The metadata with what its ``software_statement`` says, which goes before the rest.

    ``audiences`` are the names of this service, ``now`` is in seconds. ``taken`` is the statement
    that the client has been registered with: it goes on holding when its time is over.

    Raises:
        InvalidSoftwareStatementError: when it is malformed, over, for somebody else, or not signed
            by its issuer.
        UnapprovedSoftwareStatementError: when its issuer is not one of ``issuers``.
    """
    statement = members.get(_MEMBER)
    if statement is None:
        return members
    if not isinstance(statement, str):
        raise InvalidSoftwareStatementError from Reason("software_statement is not a string")
    try:
        claims, vouched = _verified(statement, issuers)
        _verify_audience(claims, audiences)
        if statement != taken:
            _verify_times(claims, now)
    except (InvalidJwsError, InvalidClaimsError, MalformedEncodingError) as error:
        raise InvalidSoftwareStatementError from Reason(f"software_statement: {error}")
    return {**members, **vouched}


def _verified(
    statement: str, issuers: tuple[StatementIssuer, ...]
) -> tuple[Claims, dict[str, object]]:
    jws = parse_jws(statement)
    members = parse_json_object(jws.payload)
    claims = Claims(members)
    iss = claims.text("iss")
    known = next((issuer for issuer in issuers if issuer.iss == iss), None)
    if known is None:
        raise UnapprovedSoftwareStatementError from Reason("its issuer is not known here")
    verify_jws(jws, keys=known.keys, algorithms=known.algorithms)
    return claims, {name: value for name, value in members.items() if name not in _NO_METADATA}


def _verify_audience(claims: Claims, audiences: frozenset[str]) -> None:
    # RFC 7519 4.1.3: a statement may leave it out; one that names others is not for us.
    if not claims.has("aud"):
        return
    audience = claims.audience()
    named = {audience} if isinstance(audience, str) else set(audience)
    if named.isdisjoint(audiences):
        raise InvalidClaimsError("aud does not name this service", Cause.AUDIENCE)


def _verify_times(claims: Claims, now: float) -> None:
    if claims.has("exp"):
        claims.unexpired(now)
    for name in ("iat", "nbf"):
        claims.not_future(name, now)
