"""The server's own way to know its clients: ``private_key_jwt`` (OpenID Connect Core 9)."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

__all__ = ["Clients"]

LONGEST: Final = 300
"""Seconds that an assertion may live, so that what was used need not be kept for longer."""


class Clients:
    """Clients with their public keys, and the assertions that were used."""

    def __init__(
        self, registered: Sequence[dict[str, Any]], *, audience: str, now: Callable[[], int]
    ) -> None:
        """``now`` is in seconds since the epoch."""
        self._keys = {
            client["client_id"]: KeySet.import_key_set(client["jwks"]) for client in registered
        }
        self._audience = audience
        self._now = now
        self._used: dict[tuple[str, str], int] = {}

    def authenticated(self, assertion: str) -> str | None:
        """The client that has signed this, for us, not long ago, and never sent it before."""
        try:
            claimed = jwt.decode(assertion, self._key, algorithms=["ES256", "PS256"]).claims
            now = self._now()
            JWTClaimsRegistry(
                now=now,
                iss={"essential": True},
                sub={"essential": True, "value": str(claimed.get("iss"))},
                aud={"essential": True, "value": self._audience},
                exp={"essential": True},
                jti={"essential": True},
            ).validate(claimed)
        except (JoseError, ValueError, LookupError, TypeError):
            return None
        return self._spent(claimed, now)

    def _key(self, signed: Any) -> KeySet:  # noqa: ANN401 - joserfc's
        """Whose keys may have signed it: of whoever it says to be from."""
        return self._keys[json.loads(signed.payload)["iss"]]

    def _spent(self, claims: dict[str, Any], now: int) -> str | None:
        client_id, used = str(claims["iss"]), (str(claims["iss"]), str(claims["jti"]))
        self._used = {each: until for each, until in self._used.items() if until > now}
        if used in self._used or claims["exp"] > now + LONGEST:
            return None
        self._used[used] = claims["exp"]
        return client_id
