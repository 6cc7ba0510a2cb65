"""The signature algorithms that exist here; everything else does not (RFC 8725 3.1, 3.2)."""

from enum import StrEnum
from typing import Final

__all__ = ["ALGORITHMS_BY_PREFERENCE", "SignatureAlgorithm"]


class SignatureAlgorithm(StrEnum):
    """A JWS ``alg`` this service can verify; a profile allows some of them.

    ``Ed25519`` is another name of EdDSA, whose only curve here it is (RFC 9864 2.2).
    """

    ES256 = "ES256"
    PS256 = "PS256"
    EDDSA = "EdDSA"
    RS256 = "RS256"

    @classmethod
    def _missing_(cls, value: object) -> "SignatureAlgorithm | None":
        return cls.EDDSA if value == "Ed25519" else None

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
