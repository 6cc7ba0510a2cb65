"""What an approval is worth: access token, refresh token and ID token."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from joserfc.jwk import RSAKey

from tests.wrong_provider import liberties
from tests.wrong_provider.faults import Fault
from tests.wrong_provider.jose import sign
from tests.wrong_provider.provider import Client, Provider, Tokens

__all__ = ["Issued", "issue"]

LIFETIME = 300
REQ_ID = "urn:openid:params:jwt:claim:auth_req_id"
RT_HASH = "urn:openid:params:jwt:claim:rt_hash"


@dataclass(frozen=True)
class Issued:
    """For whom tokens are made; ``pushed`` is the request whose tokens are pushed."""

    client: Client
    sub: str
    scope: str
    bound_to: str | None
    acr: str | None = None
    auth_time: int | None = None
    pushed: str | None = None


def issue(provider: Provider, issued: Issued) -> dict[str, Any]:
    """Mint tokens; the members of a token response."""
    bound_to = None if provider.has(Fault.TOKEN_NOT_BOUND) else issued.bound_to
    lifetime = 86_400 if provider.has(Fault.TOKENS_LIVE_FOR_A_DAY) else LIFETIME
    expires_at = int(provider.time.now()) + lifetime
    access = _access_token(provider, issued, bound_to, expires_at)
    refresh = secrets.token_urlsafe(32)
    auth_time = issued.auth_time or int(provider.time.now())
    issued = replace(issued, auth_time=auth_time)
    kept = Tokens(issued.client, issued.sub, issued.scope, expires_at, bound_to, auth_time)
    provider.access_tokens[access] = provider.refresh_tokens[refresh] = kept
    bound_by_key = issued.bound_to is not None and issued.client.certificate is None
    response = {
        "access_token": access,
        "token_type": "DPoP" if bound_by_key else "Bearer",
        "refresh_token": refresh,
        "expires_in": lifetime,
        "scope": issued.scope,
        "id_token": _id_token(provider, issued, access, refresh),
    }
    changes: dict[Fault, dict[str, Any]] = {
        Fault.TOKENS_WITHOUT_ACCESS_TOKEN: {"access_token": None},
        Fault.TOKENS_WITHOUT_TOKEN_TYPE: {"token_type": None},
        Fault.TOKENS_WITH_WRONG_TOKEN_TYPE: {"token_type": "mac"},
        Fault.TOKENS_WITH_EXPIRES_IN_AS_STRING: {"expires_in": str(LIFETIME)},
        Fault.TOKENS_WITHOUT_ID_TOKEN: {"id_token": None},
    }
    if issued.pushed is not None:
        changes[Fault.PUSH_WITHOUT_ID_TOKEN] = {"id_token": None}
    response = _changed(provider, response, changes)
    otherwise = provider.differently and issued.pushed is None
    return liberties.token_response(response) if otherwise else response


def _access_token(provider: Provider, issued: Issued, bound_to: str | None, expires_at: int) -> str:
    """A JWT of RFC 9068 that names what it is bound to."""
    if provider.has(Fault.ACCESS_TOKEN_GUESSABLE):
        return f"{len(provider.access_tokens):032d}"
    if provider.differently:
        return secrets.token_urlsafe(32)
    if provider.has(Fault.SAME_ACCESS_TOKEN_AGAIN):
        return "mF4Wv0xT9QyH2sKc7LzRb1NpJd6GaUe8"
    claims: dict[str, Any] = {
        "iss": provider.issuer,
        "sub": issued.sub,
        "client_id": issued.client.client_id,
        "exp": expires_at,
        "jti": secrets.token_urlsafe(16),
    }
    if bound_to is not None and not provider.has(Fault.TOKEN_WITHOUT_CONFIRMATION):
        by_key = issued.client.dpop_bound
        claims["cnf"] = {"jkt" if by_key else "x5t#S256": bound_to}
    return sign({"alg": "ES256", "kid": "op-1", "typ": "at+jwt"}, claims, provider.key)


def _id_token(provider: Provider, issued: Issued, access: str, refresh: str) -> str:
    now = int(provider.time.now())
    claims: dict[str, Any] = {
        "iss": provider.issuer,
        "sub": issued.sub,
        "aud": issued.client.client_id,
        "iat": now,
        "exp": now + LIFETIME,
        "auth_time": issued.auth_time,
        "at_hash": _half_hash(access),
    }
    if provider.differently and issued.pushed is None:
        claims = liberties.id_token_claims(claims)
    if issued.acr is not None:
        claims["acr"] = issued.acr
    if issued.pushed is not None:
        claims.update({REQ_ID: issued.pushed, RT_HASH: _half_hash(refresh)})
        claims = _changed(provider, claims, _pushed_changes())
    claims = _changed(provider, claims, _changes(now))
    header: dict[str, Any] = {"alg": "ES256", "kid": "op-1", "typ": "JWT"}
    if provider.has(Fault.ID_TOKEN_WITH_KEY_IN_HEADER):
        header["jwk"] = provider.key.as_dict(private=False)
    if provider.has(Fault.ID_TOKEN_WITH_UNKNOWN_KID):
        header["kid"] = "nobody"
    if provider.has(Fault.ID_TOKEN_WITHOUT_KID):
        del header["kid"]
    if provider.has(Fault.ID_TOKEN_SIGNED_WITH_RS256):
        return sign({**header, "alg": "RS256"}, claims, _rsa_key())
    token = sign(header, claims, provider.key)
    return _spoilt(provider, token)


def _spoilt(provider: Provider, token: str) -> str:
    head, payload, signature = token.split(".")
    if provider.has(Fault.ID_TOKEN_UNSIGNED):
        unsecured = _encoded(b'{"alg":"none"}')
        return f"{unsecured}.{payload}."
    if provider.has(Fault.ID_TOKEN_WITH_BAD_SIGNATURE):
        turned = "A" if signature[0] != "A" else "B"
        return f"{head}.{payload}.{turned}{signature[1:]}"
    return token


def _changes(now: int) -> dict[Fault, dict[str, Any]]:
    return {
        Fault.ID_TOKEN_WITH_WRONG_ISS: {"iss": "https://another.example"},
        Fault.ID_TOKEN_WITH_WRONG_AUD: {"aud": "somebody-else"},
        Fault.ID_TOKEN_WITH_NONCE: {"nonce": "never-sent"},
        Fault.ID_TOKEN_EXPIRED: {"iat": now - 200, "exp": now - 100},
        Fault.ID_TOKEN_WITHOUT_EXP: {"exp": None},
        Fault.ID_TOKEN_WITHOUT_IAT: {"iat": None},
        Fault.ID_TOKEN_ISSUED_LONG_AGO: {"iat": now - 86_400},
        Fault.ID_TOKEN_WITHOUT_SUB: {"sub": None},
        Fault.ID_TOKEN_WITH_LONG_SUB: {"sub": "a" * 256},
        Fault.ID_TOKEN_WITH_WRONG_AT_HASH: {"at_hash": _half_hash("another")},
        Fault.ID_TOKEN_WITH_WRONG_BINDINGS: {REQ_ID: "another"},
        Fault.ID_TOKEN_WITH_AUTH_TIME_AS_STRING: {"auth_time": str(now)},
    }


def _pushed_changes() -> dict[Fault, dict[str, Any]]:
    return {
        Fault.PUSH_WITHOUT_AT_HASH: {"at_hash": None},
        Fault.PUSH_WITH_WRONG_AT_HASH: {"at_hash": _half_hash("another")},
        Fault.PUSH_WITHOUT_RT_HASH: {RT_HASH: None},
        Fault.PUSH_WITH_WRONG_RT_HASH: {RT_HASH: _half_hash("another")},
        Fault.PUSH_WITHOUT_ID_CLAIM: {REQ_ID: None},
        Fault.PUSH_WITH_WRONG_ID_CLAIM: {REQ_ID: "another"},
    }


def _changed(
    provider: Provider, members: Mapping[str, Any], changes: Mapping[Fault, Mapping[str, Any]]
) -> dict[str, Any]:
    changed = dict(members)
    for fault, change in changes.items():
        if provider.has(fault):
            changed.update(change)
    return {name: value for name, value in changed.items() if value is not None}


def _half_hash(token: str) -> str:
    return _encoded(hashlib.sha256(token.encode()).digest()[:16])


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@cache
def _rsa_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "op-1"}, private=True)
