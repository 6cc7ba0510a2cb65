"""The service's keys."""

from typing import Protocol

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encryption import DecryptionKey
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.jose.signing import SigningKey

__all__ = [
    "KeyRing",
]


class KeyRing(Protocol):
    """The service's keys; those for tokens, challenges and factors are different."""

    def token_key(self, alg: SignatureAlgorithm) -> SigningKey:
        """The active key for tokens of ``alg``."""
        ...

    @property
    def challenge_key(self) -> SigningKey:
        """The active key for challenges."""
        ...

    @property
    def factors_key(self) -> DecryptionKey:
        """The key that phones encrypt factors to."""
        ...

    def challenge_jwks(self) -> tuple[dict[str, str], ...]:
        """Public challenge keys, for phones to pin."""
        ...

    @property
    def token_verification_keys(self) -> KeySet:
        """Whatever may have signed a token that still counts, retired keys among them."""
        ...

    def public_jwks(self) -> list[dict[str, str]]:
        """Public token keys, as published."""
        ...
