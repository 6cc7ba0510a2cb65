"""The bank's tokens: opaque access tokens in a table of its own, and ID tokens with its own key."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749 import TokenMixin
from authlib.oauth2.rfc6750 import BearerTokenValidator
from joserfc import jwt
from joserfc.jwk import ECKey

from ciba_service.integrations.authlib import Grant

__all__ = ["SavedToken", "SavedTokens", "TokenTable"]

ID_TOKEN_SECONDS = 300


@dataclass(frozen=True)
class SavedToken(TokenMixin):
    """What an access token stands for; ``grant`` says what was approved, and how."""

    client_id: str
    scope: str
    expires_at: int
    grant: Grant

    def get_scope(self) -> str:
        """What it may be used for."""
        return self.scope

    def is_expired(self) -> bool:
        """The table finds none that is."""
        return False

    def is_revoked(self) -> bool:
        """The table forgets what was revoked."""
        return False


class TokenTable:
    """Keeps hashes of access tokens; ``now`` says the time in seconds."""

    def __init__(self, issuer: str, now: Callable[[], int]) -> None:
        self._issuer = issuer
        self._now = now
        self._saved: dict[str, SavedToken] = {}
        self._key = ECKey.generate_key("P-256", {"kid": "bank", "alg": "ES256", "use": "sig"})

    def jwks(self) -> dict[str, Any]:
        """What clients verify ID tokens with."""
        return {"keys": [self._key.as_dict(private=False)]}

    def save(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Authlib's ``save_token``: ``request.credential`` is the grant of the CIBA request."""
        grant = cast("Grant", request.credential)
        self._saved[_digest(token["access_token"])] = SavedToken(
            client_id=grant.client_id,
            scope=token.get("scope", ""),
            expires_at=self._now() + token["expires_in"],
            grant=grant,
        )

    def discard(self, token: dict[str, Any]) -> None:
        """Nobody has seen it."""
        self._saved.pop(_digest(token["access_token"]), None)

    def find(self, access_token: str) -> SavedToken | None:
        """What it stands for, while it is good."""
        saved = self._saved.get(_digest(access_token))
        return saved if saved is not None and self._now() < saved.expires_at else None

    def id_token(self, grant: Grant, access_token: str) -> str:
        """Who approved, when and how (OpenID Connect Core 2), and which transaction it was."""
        now = self._now()
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        claims = {
            "iss": self._issuer,
            "sub": grant.subject,
            "aud": grant.client_id,
            "iat": now,
            "exp": now + ID_TOKEN_SECONDS,
            "auth_time": grant.auth_time,
            "acr": grant.acr,
            "amr": list(grant.amr),
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            "txn": grant.txn,
        }
        return jwt.encode({"alg": "ES256", "kid": "bank"}, claims, self._key)


class SavedTokens(BearerTokenValidator):
    """Authlib's ``ResourceProtector`` asks it about each access token."""

    def __init__(self, find: Callable[[str], SavedToken | None]) -> None:
        super().__init__()
        self._find = find

    def authenticate_token(self, token_string: str) -> SavedToken | None:
        """What it stands for, or None."""
        return self._find(token_string)


def _digest(access_token: str) -> str:
    return hashlib.sha256(access_token.encode()).hexdigest()
