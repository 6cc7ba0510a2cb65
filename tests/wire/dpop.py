"""DPoP at the level of the wire: a key, its proofs, right or wrong, and the server's last nonce."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from joserfc.jwk import thumbprint

from tests.wire.signing import JoseKey, new_key, public_jwk, sign

_MEMBERS = frozenset({"kty", "crv", "x", "y", "n", "e"})


@dataclass
class WireDpop:
    """A key that tokens are bound to."""

    key: JoseKey = field(default_factory=new_key)
    alg: str = "ES256"
    nonce: str | None = None

    @property
    def jwk(self) -> dict[str, str]:
        """The public key."""
        return {name: value for name, value in public_jwk(self.key).items() if name in _MEMBERS}

    @property
    def jkt(self) -> str:
        """Its thumbprint."""
        return thumbprint(self.jwk)

    def proof(
        self,
        method: str,
        url: str,
        now: int,
        *,
        access_token: str | None = None,
        header: Mapping[str, Any] = {},
        **changed: Any,
    ) -> str:
        """A proof; a member or claim set to None is left out."""
        claims = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url,
            "iat": now,
            "nonce": self.nonce,
            "ath": None if access_token is None else _hash(access_token),
            **changed,
        }
        members = {"typ": "dpop+jwt", "alg": self.alg, "jwk": self.jwk, **header}
        return sign(_present(members), _present(claims), self.key)

    def learn(self, answer: httpx2.Response) -> httpx2.Response:
        """Remember the nonce of an answer."""
        self.nonce = answer.headers.get("dpop-nonce", self.nonce)
        return answer


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _hash(token: str) -> str:
    digest = hashlib.sha256(token.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
