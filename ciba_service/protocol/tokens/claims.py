"""Claims of ID tokens (OpenID Connect Core 2) and JWT access tokens (RFC 9068 2.2)."""

import hashlib
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.tokens.access_token import AccessToken
from ciba_service.protocol.tokens.dpop.binding import Binding
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.tokens.userinfo import UserClaims

__all__ = [
    "PAYMENT_TOKEN_LIFETIME",
    "UNCONSTRAINED_TOKEN_LIFETIME",
    "AccessTokenClaims",
    "IdTokenClaims",
    "PushCompanions",
    "TokenResponse",
    "access_token_claims",
    "access_token_lifetime",
    "id_token_claims",
]

# A grant with a linked payment gets one short access token and no refresh token.
PAYMENT_TOKEN_LIFETIME: Final = 300
# FAPI 1.0 Part 1 5.2.2 (21): under ten minutes, unless a copy of the token is worth nothing.
UNCONSTRAINED_TOKEN_LIFETIME: Final = 599


class IdTokenClaims(UserClaims, frozen=True, kw_only=True):
    """Payload of an ID token, with what it tells of the user; instants are in seconds."""

    iss: str
    sub: str
    aud: str
    iat: int
    exp: int
    auth_time: int
    acr: str
    amr: tuple[str, ...]
    at_hash: str
    txn: str
    rt_hash: str | None = msgspec.field(default=None, name="urn:openid:params:jwt:claim:rt_hash")
    auth_req_id: str | None = msgspec.field(
        default=None, name="urn:openid:params:jwt:claim:auth_req_id"
    )


@dataclass(frozen=True, slots=True)
class PushCompanions:
    """What a push carries beside an ID token that vouches for it (CIBA 10.3.1)."""

    auth_req_id: str = field(repr=False)
    refresh_token: str | None = field(repr=False)


class AccessTokenClaims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Payload of an ``at+jwt``; instants are seconds since the epoch."""

    iss: str
    sub: str
    aud: str | tuple[str, ...]
    client_id: str
    iat: int
    exp: int
    jti: str
    scope: str
    auth_time: int
    acr: str
    amr: tuple[str, ...]
    txn: str
    challenge_hash: str
    cnf: Binding | None = None
    authorization_details: tuple[msgspec.Raw, ...] = ()


class TokenResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The successful answer of the token endpoint (OpenID Connect Core 3.1.3.3, RFC 9396 7)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    id_token: str | None = None
    refresh_token: str | None = None
    authorization_details: tuple[msgspec.Raw, ...] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


def access_token_lifetime(grant: Grant, configured: int, *, is_constrained: bool) -> int:
    """``expires_in`` of the access token, in seconds."""
    longest = configured if is_constrained else min(configured, UNCONSTRAINED_TOKEN_LIFETIME)
    return min(longest, PAYMENT_TOKEN_LIFETIME) if grant.has_payment else longest


def access_token_claims(grant: Grant, token: AccessToken, *, issuer: str) -> AccessTokenClaims:
    """What a JWT access token says, of the grant and of itself."""
    return AccessTokenClaims(
        iss=issuer,
        sub=grant.sub,
        aud=token.aud,
        client_id=grant.client_id,
        iat=token.iat,
        exp=token.exp,
        jti=token.jti,
        scope=" ".join(token.scope),
        auth_time=grant.auth_time,
        acr=grant.acr,
        amr=grant.amr,
        txn=grant.txn,
        challenge_hash=grant.challenge_hash,
        cnf=token.cnf,
        authorization_details=token.stated_details(grant),
    )


def id_token_claims(
    grant: Grant,
    *,
    user: UserClaims,
    issuer: str,
    access_token: str,
    alg: SignatureAlgorithm,
    now: int,
    lifetime: int,
    pushed: PushCompanions | None = None,
) -> IdTokenClaims:
    """Claims of the ID token that goes with ``access_token``; no nonce, since none was sent.

    ``user`` is what it tells of the user beside who it is, ``alg`` what it is signed with. Only
    where it is ``pushed`` it names what comes with it (CIBA 10.3.1).
    """
    refresh_token = None if pushed is None else pushed.refresh_token
    return IdTokenClaims(
        **msgspec.structs.asdict(user),
        iss=issuer,
        sub=grant.sub,
        aud=grant.client_id,
        iat=now,
        exp=now + lifetime,
        auth_time=grant.auth_time,
        acr=grant.acr,
        amr=grant.amr,
        at_hash=_left_half(access_token, alg),
        txn=grant.txn,
        rt_hash=None if refresh_token is None else _left_half(refresh_token, alg),
        auth_req_id=None if pushed is None else pushed.auth_req_id,
    )


def _left_half(token: str, alg: SignatureAlgorithm) -> str:
    # OpenID Connect Core 3.1.3.6: the hash that alg uses, which for Ed25519 is SHA-512.
    use = hashlib.sha512 if alg is SignatureAlgorithm.EDDSA else hashlib.sha256
    digest = use(token.encode("ascii")).digest()
    return base64url(digest[: len(digest) // 2])
