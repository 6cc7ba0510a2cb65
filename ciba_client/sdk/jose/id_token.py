"""Verification of the ID token that ends a transaction (OpenID Connect Core 3.1.3.7, CIBA 10.3)."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from ciba_client.sdk.errors import InvalidIdToken
from ciba_client.sdk.jose.algorithms import REGISTRY, SignatureAlgorithm, half_hash
from ciba_client.sdk.jose.key_set import ProviderKeys

__all__ = ["AUTH_REQ_ID_CLAIM", "IdToken", "IdTokenExpectations", "verify_id_token"]

AUTH_REQ_ID_CLAIM: Final = "urn:openid:params:jwt:claim:auth_req_id"
RT_HASH_CLAIM: Final = "urn:openid:params:jwt:claim:rt_hash"
_CLOCK_SKEW: Final = 60.0


@dataclass(frozen=True, slots=True)
class IdTokenExpectations:
    """What an ID token must say to be the answer to one authentication request.

    ``algorithms`` is what the registration or the provider's metadata allows; ``issued_after`` is
    an instant (seconds since the epoch), absent when the start of the request is not known. What
    ties the ID token to what came with it is verified where it is there, and ``bindings_required``
    where it came by a push, whose sender nothing else vouches for (CIBA 10.3.1).
    """

    issuer: str
    client_id: str
    algorithms: frozenset[SignatureAlgorithm]
    auth_req_id: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    bindings_required: bool = False
    required_acr: frozenset[str] = frozenset()
    issued_after: float | None = None


@dataclass(frozen=True, slots=True)
class IdToken:
    """A verified ID token; instants are seconds since the epoch."""

    iss: str
    sub: str
    exp: float
    iat: float
    acr: str | None
    auth_time: float | None
    claims: Mapping[str, object] = field(repr=False)
    jwt: str = field(repr=False)


class _Header(msgspec.Struct):
    alg: str
    kid: str | None = None
    typ: str | None = None
    crit: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Claims(msgspec.Struct):
    iss: str
    sub: str
    aud: str | tuple[str, ...]
    exp: int | float
    iat: int | float
    nbf: int | float | None = None
    azp: str | None = None
    acr: str | None = None
    auth_time: int | float | None = None
    at_hash: str | None = None
    rt_hash: str | None = msgspec.field(name=RT_HASH_CLAIM, default=None)
    auth_req_id: str | None = msgspec.field(name=AUTH_REQ_ID_CLAIM, default=None)


def verify_id_token(
    jwt: str, *, keys: ProviderKeys, expected: IdTokenExpectations, now: float
) -> IdToken:
    """Verify signature and claims; ``now`` is in seconds since the epoch.

    Raises:
        UnknownSigningKey: no key of the set fits; verify again with a fresh set.
        InvalidIdToken: anything else; the tokens that came with it must not be used.
    """
    header = _parse_header(jwt)
    algorithm = _parse_algorithm(header.alg, expected.algorithms)
    key = keys.choose(algorithm=algorithm, kid=header.kid)
    try:
        payload = jws.deserialize_compact(jwt, key, registry=REGISTRY).payload
    except (JoseError, ValueError) as error:
        raise InvalidIdToken("the signature of the ID token is not valid") from error
    try:
        claims = msgspec.json.decode(payload, type=_Claims)
        everything = msgspec.json.decode(payload, type=dict[str, object])
    except (ValueError, RecursionError) as error:
        raise InvalidIdToken("the claims of the ID token are malformed") from error
    _verify_parties(claims, expected)
    _verify_times(claims, expected, now)
    _verify_bindings(claims, expected, algorithm)
    # FAPI-CIBA 5.2.3.1 (3): the level of authentication the client needs.
    if expected.required_acr and claims.acr not in expected.required_acr:
        raise InvalidIdToken("the user was not authenticated to the required level")
    return IdToken(
        iss=claims.iss,
        sub=claims.sub,
        exp=claims.exp,
        iat=claims.iat,
        acr=claims.acr,
        auth_time=claims.auth_time,
        claims=MappingProxyType(everything),
        jwt=jwt,
    )


def _parse_header(jwt: str) -> _Header:
    segments = jwt.encode("utf-8", "replace").split(b".")
    if len(segments) != 3:  # noqa: PLR2004 - a JWS has three; five would be an encrypted token
        raise InvalidIdToken("the ID token is not a compact JWS")
    try:
        header = msgspec.json.decode(urlsafe_b64decode(segments[0]), type=_Header)
    except (ValueError, RecursionError) as error:
        raise InvalidIdToken("the header of the ID token is malformed") from error
    if header.crit is not msgspec.UNSET:  # RFC 7515 4.1.11: no extension is understood here
        raise InvalidIdToken("the ID token has critical header members")
    if header.typ is not None and header.typ.upper() != "JWT":  # RFC 8725 3.11
        raise InvalidIdToken("the ID token has the type of another kind of token")
    return header


def _parse_algorithm(name: str, allowed: frozenset[SignatureAlgorithm]) -> SignatureAlgorithm:
    # OpenID Connect Core 3.1.3.7 (6) to (8): the registered algorithm, never the token's choice.
    for algorithm in allowed:
        if name == algorithm:
            return algorithm
    raise InvalidIdToken("the algorithm of the ID token is not an expected one")


def _verify_parties(claims: _Claims, expected: IdTokenExpectations) -> None:
    # OpenID Connect Core 3.1.3.7 (2) to (5)
    audience = (claims.aud,) if isinstance(claims.aud, str) else claims.aud
    if claims.iss != expected.issuer:
        raise InvalidIdToken("the ID token is from another issuer")
    if not claims.sub:
        raise InvalidIdToken("the ID token names no subject")
    if expected.client_id not in audience:
        raise InvalidIdToken("the ID token is for another client")
    if claims.azp is None and len(audience) > 1:
        raise InvalidIdToken("the ID token has several audiences and no authorized party")
    if claims.azp not in {None, expected.client_id}:
        raise InvalidIdToken("the ID token was issued to another client")


def _verify_times(claims: _Claims, expected: IdTokenExpectations, now: float) -> None:
    # OpenID Connect Core 3.1.3.7 (9), (10)
    if now >= claims.exp:
        raise InvalidIdToken("the ID token has expired")
    if claims.iat > now + _CLOCK_SKEW:
        raise InvalidIdToken("the ID token was issued in the future")
    if claims.nbf is not None and claims.nbf > now + _CLOCK_SKEW:  # RFC 7519 4.1.5
        raise InvalidIdToken("the ID token does not count yet")
    if expected.issued_after is not None and claims.iat < expected.issued_after - _CLOCK_SKEW:
        raise InvalidIdToken("the ID token is older than the authentication request")


def _verify_bindings(
    claims: _Claims, expected: IdTokenExpectations, algorithm: SignatureAlgorithm
) -> None:
    # OpenID Connect Core 3.1.3.8, CIBA 10.3.1
    bindings = (
        ("access token", claims.at_hash, _half_hash(expected.access_token, algorithm)),
        ("refresh token", claims.rt_hash, _half_hash(expected.refresh_token, algorithm)),
        ("authentication request", claims.auth_req_id, expected.auth_req_id),
    )
    for subject, said, wanted in bindings:
        if said is None:
            if expected.bindings_required and wanted is not None:
                raise InvalidIdToken(f"the ID token does not say to which {subject} it belongs")
        elif wanted is None or not hmac.compare_digest(said.encode(), wanted.encode()):
            raise InvalidIdToken(f"the ID token belongs to another {subject}")


def _half_hash(token: str | None, algorithm: SignatureAlgorithm) -> str | None:
    return None if token is None else urlsafe_b64encode(half_hash(token, algorithm)).decode()
