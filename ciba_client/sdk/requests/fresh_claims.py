"""The claims that make a JWT of this client fresh and single-use."""

import secrets
from typing import Final

__all__ = ["fresh_claims"]

_LIFETIME: Final = 60
_JTI_BYTES: Final = 20


def fresh_claims(*, client_id: str, audience: str, now: float) -> dict[str, object]:
    """Issuer, audience, 160 random bits of ``jti`` and one minute of validity from ``now``."""
    issued_at = int(now)
    return {
        "iss": client_id,
        "aud": audience,  # FAPI 2.0 5.3.2.1 (8): a string, not an array
        "jti": secrets.token_urlsafe(_JTI_BYTES),
        "iat": issued_at,
        "nbf": issued_at,
        "exp": issued_at + _LIFETIME,
    }
