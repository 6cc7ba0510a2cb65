"""Keys and compact JWS of the clients and phones of a benchmark, made as fast as can be."""

import base64
import json
from collections.abc import Mapping
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

__all__ = ["Es256Key", "base64url"]

_ECDSA: Final = ECDSA(SHA256())


def base64url(data: bytes) -> str:
    """Encode without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _segment(members: Mapping[str, object]) -> str:
    return base64url(json.dumps(members, separators=(",", ":")).encode())


class Es256Key:
    """A private key on P-256 that signs JWS; it travels to other processes as PEM."""

    def __init__(self, key: EllipticCurvePrivateKey, kid: str) -> None:
        self._key = key
        self.kid = kid

    @classmethod
    def generate(cls, kid: str) -> Self:
        """A new one."""
        return cls(generate_private_key(SECP256R1()), kid)

    @classmethod
    def load(cls, pem: bytes, kid: str) -> Self:
        """One that ``pem`` wrote."""
        key = load_pem_private_key(pem, None)
        if not isinstance(key, EllipticCurvePrivateKey):
            raise TypeError("not a key on a curve")
        return cls(key, kid)

    def pem(self) -> bytes:
        """The private key."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def public(self) -> dict[str, str]:
        """The members of its public key."""
        numbers = self._key.public_key().public_numbers()
        x, y = (base64url(each.to_bytes(32, "big")) for each in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    def jwk(self) -> dict[str, str]:
        """The public key as a client registers it."""
        return self.public() | {"kid": self.kid, "use": "sig", "alg": "ES256"}

    def header(self, **members: object) -> str:
        """The first part of a JWS."""
        return _segment({"alg": "ES256", **members})

    def sign(self, header: str, claims: Mapping[str, object]) -> str:
        """A JWS with a header that ``header`` made."""
        signed = f"{header}.{_segment(claims)}"
        r, s = decode_dss_signature(self._key.sign(signed.encode("ascii"), _ECDSA))
        return f"{signed}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
