"""The key a proof carries with it, and the name that tokens are bound to (RFC 7638)."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, assert_never

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.jose.keys import (
    InvalidKeyError,
    PublicKey,
    VerificationKey,
    parse_verification_key,
)

__all__ = ["ProofKey", "parse_proof_key"]

# Anybody may send a key: what a verification costs is bounded by the size of its modulus.
MAXIMUM_RSA_BITS: Final = 4096
_COORDINATE_BYTES: Final = 32
_POINT: Final = frozenset({"kty", "crv", "x", "y"})
_LONGEST_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class ProofKey:
    """A public key; ``jkt`` is its SHA-256 thumbprint, base64url (RFC 7638 3)."""

    key: VerificationKey
    jkt: str


def parse_proof_key(jwk: object) -> ProofKey:
    """Read the ``jwk`` header of a proof.

    Raises:
        InvalidKeyError: when it is missing, private, weak, costly, or written in another way than
            RFC 7518 6 demands: one text for one key.
    """
    if not isinstance(jwk, dict):
        raise InvalidKeyError("jwk is missing or not a JSON object")
    if jwk.keys() == _POINT and all(map(_is_short_text, jwk.values())):
        return _kept_point(**jwk)
    return _read(jwk)


@lru_cache(maxsize=1024)
def _kept_point(*, kty: str, crv: str, x: str, y: str) -> ProofKey:
    """A client shows the same key again and again, mostly one on a curve and nothing beside it."""
    return _read({"kty": kty, "crv": crv, "x": x, "y": y})


def _is_short_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_KEPT


def _read(jwk: dict[str, object]) -> ProofKey:
    key = parse_verification_key(jwk)
    _refuse_costly(key.key)
    members = _required_members(key.key)
    if any(jwk[name] != value for name, value in members.items()):
        raise InvalidKeyError("a number of the key is not in its shortest form")
    canonical = msgspec.json.encode(members, order="sorted")
    return ProofKey(key=key, jkt=base64url(hashlib.sha256(canonical).digest()))


def _refuse_costly(key: PublicKey) -> None:
    if isinstance(key, RSAPublicKey) and key.key_size > MAXIMUM_RSA_BITS:
        raise InvalidKeyError(f"an RSA key of a proof has at most {MAXIMUM_RSA_BITS} bits")


def _required_members(key: PublicKey) -> dict[str, str]:
    match key:
        case EllipticCurvePublicKey():
            point = key.public_numbers()
            x, y = (_number(value, _COORDINATE_BYTES) for value in (point.x, point.y))
            return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        case RSAPublicKey():
            numbers = key.public_numbers()
            e, n = (_number(value, _octets(value)) for value in (numbers.e, numbers.n))
            return {"kty": "RSA", "e": e, "n": n}
        case Ed25519PublicKey():
            return {"kty": "OKP", "crv": "Ed25519", "x": base64url(key.public_bytes_raw())}
        case other:
            assert_never(other)


def _octets(value: int) -> int:
    return (value.bit_length() + 7) // 8


def _number(value: int, length: int) -> str:
    return base64url(value.to_bytes(length, "big"))
