"""What the certification tests check in an ID token and in the provider's key set."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet

from tests.conformance.certification.answers import is_number
from tests.wire.signing import header_of

PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
YEAR = 31_536_000


def hold_key_set(jwks: Mapping[str, Any]) -> None:
    """Hold that every key is public, named, strong enough and there once."""
    keys = jwks["keys"]
    assert keys
    for key in keys:
        assert key["kid"]
        assert not PRIVATE & key.keys()
        assert key["kty"] != "RSA" or _bits(key["n"]) >= 2048
    kinds = [(key["kid"], key.get("alg"), key["kty"], key.get("use")) for key in keys]
    assert len(set(kinds)) == len(kinds)
    assert len(KeySet.import_key_set({"keys": list(keys)}).keys) == len(keys)


@dataclass(frozen=True)
class IdTokenExpectation:
    """What an ID token is held against; ``acr`` is what was asked for, if anything."""

    issuer: str
    client_id: str
    jwks: Mapping[str, Any]
    now: int
    auth_req_id: str | None
    acr: str | None = None

    def verify(self, tokens: Mapping[str, Any]) -> dict[str, Any]:
        """Verify the ``id_token`` of a token response; returns its claims."""
        token = tokens["id_token"]
        header = header_of(token)
        assert header["alg"] in {"PS256", "ES256"}
        (key,) = [key for key in self.jwks["keys"] if key["kid"] == header["kid"]]
        assert key["kty"] == {"PS256": "RSA", "ES256": "EC"}[header["alg"]]
        assert key.get("alg", header["alg"]) == header["alg"]
        assert key.get("use", "sig") == "sig"
        keys = KeySet.import_key_set({"keys": [dict(key)]})
        claims = dict(jwt.decode(token, keys, algorithms=[header["alg"]]).claims)
        self._hold_identity(claims)
        self._hold_times(claims)
        self._hold_hashes(claims, tokens)
        return claims

    def _hold_identity(self, claims: Mapping[str, Any]) -> None:
        assert claims["iss"] == self.issuer
        audience = claims["aud"]
        assert audience == self.client_id or self.client_id in audience
        assert isinstance(claims["sub"], str)
        assert claims["sub"]
        assert claims.get("acr") != ""
        if self.acr is not None:
            assert claims["acr"] == self.acr
        assert None not in claims.values()
        assert "nonce" not in claims

    def _hold_times(self, claims: Mapping[str, Any]) -> None:
        assert is_number(claims["exp"])
        assert self.now < claims["exp"] < self.now + 50 * YEAR
        assert abs(claims["iat"] - self.now) <= 300
        if "auth_time" in claims:
            assert self.now - YEAR < claims["auth_time"] <= self.now

    def _hold_hashes(self, claims: Mapping[str, Any], tokens: Mapping[str, Any]) -> None:
        assert not {"c_hash", "s_hash"} & claims.keys()
        if "at_hash" in claims:
            assert claims["at_hash"] == half_hash(tokens["access_token"])
        if "urn:openid:params:jwt:claim:rt_hash" in claims:
            half = half_hash(tokens["refresh_token"])
            assert claims["urn:openid:params:jwt:claim:rt_hash"] == half
        if "urn:openid:params:jwt:claim:auth_req_id" in claims:
            assert claims["urn:openid:params:jwt:claim:auth_req_id"] == self.auth_req_id


def half_hash(token: str) -> str:
    """The left half of a SHA-256 (OpenID Connect Core 3.1.3.6)."""
    digest = hashlib.sha256(token.encode("ascii")).digest()[:16]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _bits(number: str) -> int:
    decoded = base64.urlsafe_b64decode(number + "=" * (-len(number) % 4))
    return int.from_bytes(decoded, "big").bit_length()
