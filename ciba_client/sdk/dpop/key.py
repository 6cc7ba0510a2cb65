"""The key that tokens are bound to, and the proof that a request comes from its holder."""

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final

import httpx2
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64encode

from ciba_client.sdk.jose.algorithms import AsymmetricKey, SignatureAlgorithm, sign
from ciba_client.sdk.jose.signing_key import parse_signing_key

__all__ = ["DpopKey", "new_dpop_key", "parse_dpop_key"]

_TYP: Final = "dpop+jwt"
_ALGORITHM: Final = SignatureAlgorithm.ES256
_JTI_BYTES: Final = 16
_PUBLIC_MEMBERS: Final = ("crv", "kty", "x", "y")


@dataclass(frozen=True, slots=True)
class DpopKey:
    """A private P-256 key; made by ``new_dpop_key`` or ``parse_dpop_key`` only."""

    key: AsymmetricKey = field(repr=False)

    @property
    def jkt(self) -> str:
        """Its SHA-256 thumbprint, by which tokens name it (RFC 9449 6.1)."""
        return self.key.thumbprint()

    def proof(
        self,
        *,
        method: str,
        url: str,
        now: float,
        nonce: str | None = None,
        access_token: str | None = None,
    ) -> str:
        """A fresh proof for one request (RFC 9449 4.2); ``now`` is in seconds since the epoch.

        With an access token the proof is for a resource that is called with it.
        """
        members = self.key.as_dict(private=False)
        header = {
            "typ": _TYP,
            "alg": str(_ALGORITHM),
            "jwk": {name: members[name] for name in _PUBLIC_MEMBERS},
        }
        claims: dict[str, object] = {
            "jti": secrets.token_urlsafe(_JTI_BYTES),
            "htm": method,
            "htu": str(httpx2.URL(url).copy_with(query=None, fragment=None)),
            "iat": int(now),
        }
        if nonce is not None:
            claims["nonce"] = nonce
        if access_token is not None:
            digest = hashlib.sha256(access_token.encode()).digest()
            claims["ath"] = urlsafe_b64encode(digest).decode()
        return sign(header, claims, self.key)


def new_dpop_key() -> DpopKey:
    """Make a key; tokens bound to it are of no use after it is gone."""
    return DpopKey(ECKey.generate_key("P-256", private=True))


def parse_dpop_key(content: bytes) -> DpopKey:
    """Read a private P-256 key, JWK or PEM; raises ``ConfigurationError``."""
    return DpopKey(parse_signing_key(content, algorithm=_ALGORITHM).key)
