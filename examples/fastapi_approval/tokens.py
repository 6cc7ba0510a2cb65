"""The server's own tokens: what a grant of ciba-service says, in the server's format."""

import secrets
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey

from ciba_service.embedding import Grant

__all__ = ["Tokens", "now"]

LIFETIME: Final = 300


def now() -> int:
    """Seconds since the epoch."""
    return int(datetime.now(UTC).timestamp())  # noqa: TID251 - the one clock of this program


class Tokens:
    """Signed with a key of its own; a real server keeps that, and binds tokens to their client."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._key = ECKey.generate_key("P-256", {"kid": "tokens", "use": "sig", "alg": "ES256"})

    @property
    def jwks(self) -> dict[str, object]:
        """The public key, for whoever verifies."""
        return {"keys": [self._key.as_dict(private=False)]}

    def answer(self, grant: Grant) -> dict[str, object]:
        """What the token endpoint answers (OpenID Connect Core 3.1.3.3)."""
        issued = now()
        shared: dict[str, Any] = {
            "iss": self._issuer,
            "sub": grant.subject,
            "iat": issued,
            "exp": issued + LIFETIME,
            "auth_time": grant.auth_time,
            "acr": grant.acr,
            "amr": grant.amr,
            "txn": grant.txn,  # names the approval in the evidence of ciba-service
        }
        for_resources = {
            "aud": f"{self._issuer}/accounts",
            "client_id": grant.client_id,
            "jti": secrets.token_urlsafe(16),
            "scope": " ".join(grant.scope),
            "authorization_details": [msgspec.json.decode(each.stated) for each in grant.details],
        }
        return {
            "access_token": self._signed("at+jwt", shared | for_resources),
            "id_token": self._signed("JWT", shared | {"aud": grant.client_id}),
            "token_type": "Bearer",
            "expires_in": LIFETIME,
        }

    def _signed(self, typ: str, claims: dict[str, Any]) -> str:
        header = {"alg": "ES256", "typ": typ, "kid": self._key.kid}
        return jwt.encode(header, claims, self._key)
