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

    # That of the text: the one of Enum is a function of Python, for each look-up in a table.
    __hash__ = str.__hash__

    @classmethod
    def _missing_(cls, value: object) -> "SignatureAlgorithm | None":
        return cls.EDDSA if value == "Ed25519" else None

    @classmethod
    def named(cls, alg: str) -> "SignatureAlgorithm | None":
        """The one of this name, if there is one: as the constructor does, and quicker."""
        return _BY_NAME.get(alg)

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

_BY_NAME: Final = {each.value: each for each in SignatureAlgorithm} | {
    "Ed25519": SignatureAlgorithm.EDDSA
}

ALGORITHMS_BY_PREFERENCE: Final = tuple(SignatureAlgorithm)
