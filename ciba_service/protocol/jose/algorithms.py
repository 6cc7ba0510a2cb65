"""The signature algorithms that exist here; everything else does not (RFC 8725 3.1, 3.2)."""

from enum import StrEnum
from typing import Final

__all__ = ["ALGORITHMS_BY_PREFERENCE", "SignatureAlgorithm"]


class SignatureAlgorithm(StrEnum):
    """A JWS ``alg`` this service can verify; a profile allows some of them."""

    ES256 = "ES256"
    PS256 = "PS256"
    EDDSA = "EdDSA"
    RS256 = "RS256"

    @property
    def key_type(self) -> str:
        """The JWK ``kty`` that fits."""
        return _KEY_TYPES[self]


_KEY_TYPES: Final = {
    SignatureAlgorithm.ES256: "EC",
    SignatureAlgorithm.PS256: "RSA",
    SignatureAlgorithm.EDDSA: "OKP",
    SignatureAlgorithm.RS256: "RSA",
}

ALGORITHMS_BY_PREFERENCE: Final = tuple(SignatureAlgorithm)
