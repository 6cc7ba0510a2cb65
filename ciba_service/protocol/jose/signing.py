"""Signing of what the service issues: ID tokens, access tokens, challenges (RFC 7515)."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, assert_never

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import base64url

__all__ = ["PrivateKey", "SigningKey", "compact_jws", "jws_signing_input"]

PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey | Ed25519PrivateKey

_SHA256: Final = SHA256()
_ECDSA: Final = ECDSA(_SHA256)
_PSS: Final = PSS(MGF1(_SHA256), salt_length=32)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its name and its one algorithm."""

    kid: str
    alg: SignatureAlgorithm
    key: PrivateKey = field(repr=False)

    def sign(self, *, typ: str, claims: object) -> str:
        """Compact JWS over ``claims`` as JSON."""
        data = jws_signing_input(kid=self.kid, alg=self.alg, typ=typ, claims=claims)
        return compact_jws(data, self.signature(data))

    def signature(self, data: bytes) -> bytes:
        """The signature over ``data`` as a JWS carries it (RFC 7518 3, RFC 8037 3.1)."""
        match self.key:
            case EllipticCurvePrivateKey() as key:
                r, s = decode_dss_signature(key.sign(data, _ECDSA))
                return r.to_bytes(32, "big") + s.to_bytes(32, "big")
            case RSAPrivateKey() as key:
                return key.sign(data, _PSS, _SHA256)
            case Ed25519PrivateKey() as key:
                return key.sign(data)
            case other:
                assert_never(other)


def jws_signing_input(*, kid: str, alg: SignatureAlgorithm, typ: str, claims: object) -> bytes:
    """What is signed: header and ``claims`` as JSON, typed explicitly (RFC 8725 3.11)."""
    return f"{_header(kid, alg, typ)}.{base64url(msgspec.json.encode(claims))}".encode("ascii")


@lru_cache(maxsize=64)
def _header(kid: str, alg: SignatureAlgorithm, typ: str) -> str:
    return base64url(msgspec.json.encode({"alg": alg.value, "kid": kid, "typ": typ}))


def compact_jws(signing_input: bytes, signature: bytes) -> str:
    """The whole JWS (RFC 7515 7.1)."""
    return f"{signing_input.decode('ascii')}.{base64url(signature)}"
