"""The closed list of signature algorithms, which keys fit them, and signing (RFC 7515, 7518)."""

import copy
import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, assert_never

import msgspec
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.util import base64_to_int

__all__ = [
    "REGISTRY",
    "SMALLEST_RSA_KEY",
    "AsymmetricKey",
    "JwkMembers",
    "SignatureAlgorithm",
    "fits",
    "half_hash",
    "import_jwk",
    "sign",
]

AsymmetricKey = RSAKey | ECKey | OKPKey
JwkMembers = dict[str, str | list[str]]

SMALLEST_RSA_KEY: Final = 2048
_TEXTS: Final = ("kty", "crv", "alg", "use", "kid")
_KINDS: Final[dict[str, type[AsymmetricKey]]] = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}


class SignatureAlgorithm(StrEnum):
    """JWS algorithms this client signs with or accepts, best first; never ``none``, never HMAC."""

    PS256 = "PS256"
    ES256 = "ES256"
    EDDSA = "EdDSA"
    RS256 = "RS256"


def _closed_registry() -> jws.JWSRegistry:
    # RFC 7515 4.1: unknown header members are ignored (those in ``crit`` are refused beforehand).
    registry = jws.JWSRegistry(algorithms=list(SignatureAlgorithm), strict_check_header=False)
    # joserfc warns that RFC 9864 renames EdDSA; FAPI 2.0 still calls it so.
    eddsa = copy.copy(registry.algorithms["EdDSA"])
    eddsa.security_warning = None
    known = {**registry.algorithms, "EdDSA": eddsa}
    registry.algorithms = {name: known[name] for name in SignatureAlgorithm}
    return registry


REGISTRY: Final = _closed_registry()


def import_jwk(members: JwkMembers) -> AsymmetricKey:
    """Make a key of a JWK.

    Raises:
        JoseError, ValueError, TypeError, LookupError: whatever is wrong with the JWK.
    """
    if not all(isinstance(members.get(name, ""), str) for name in _TEXTS):
        raise ValueError("a member of the JWK is not a string")
    kind = _KINDS[str(members["kty"])]
    if kind is RSAKey and base64_to_int(str(members["n"])).bit_length() < SMALLEST_RSA_KEY:
        raise ValueError("the RSA key is too short")
    return kind.import_key(members)


def fits(key: AsymmetricKey, algorithm: SignatureAlgorithm) -> bool:
    """Whether a key of this type, curve and size, so marked, may be used with the algorithm."""
    if key.get("use") not in {None, "sig"} or key.alg not in {None, algorithm}:
        return False
    match algorithm:
        case SignatureAlgorithm.PS256 | SignatureAlgorithm.RS256:
            return isinstance(key, RSAKey)
        case SignatureAlgorithm.ES256:
            return isinstance(key, ECKey) and key.curve_name == "P-256"
        case SignatureAlgorithm.EDDSA:
            return isinstance(key, OKPKey) and key.curve_name == "Ed25519"
        case _:
            assert_never(algorithm)


def sign(header: Mapping[str, object], claims: Mapping[str, object], key: AsymmetricKey) -> str:
    """Sign claims as a compact JWS; ``header`` names the algorithm."""
    payload = msgspec.json.encode(claims)
    return jws.serialize_compact(dict(header), payload, key, registry=REGISTRY)


def half_hash(value: str, algorithm: SignatureAlgorithm) -> bytes:
    """Left half of the hash an ``at_hash`` claim carries (OpenID Connect Core 3.1.3.6)."""
    # Ed25519 hashes with SHA-512; every other algorithm of the list uses SHA-256.
    name = "sha512" if algorithm is SignatureAlgorithm.EDDSA else "sha256"
    digest = hashlib.new(name, value.encode()).digest()
    return digest[: len(digest) // 2]
