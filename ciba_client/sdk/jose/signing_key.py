"""The client's private key, read from a JWK or a PEM file's content."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ciba_client.sdk.errors import ConfigurationError
from ciba_client.sdk.jose.algorithms import (
    SMALLEST_RSA_KEY,
    AsymmetricKey,
    JwkMembers,
    SignatureAlgorithm,
    fits,
    import_jwk,
    sign,
)

__all__ = ["SigningKey", "parse_signing_key"]


# What the libraries raise on files that hold no key.
_UNUSABLE: Final = (
    JoseError,
    LookupError,
    RecursionError,
    TypeError,
    UnsupportedAlgorithm,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its algorithm and, if the provider knows one, its ``kid``."""

    key: AsymmetricKey = field(repr=False)
    algorithm: SignatureAlgorithm
    kid: str | None = None

    def sign(self, claims: Mapping[str, object], *, typ: str) -> str:
        """Sign claims as a compact JWS of the given ``typ``."""
        header = {"alg": str(self.algorithm), "typ": typ}
        if self.kid is not None:
            header["kid"] = self.kid
        return sign(header, claims, self.key)


def parse_signing_key(
    content: bytes, *, algorithm: str | None = None, kid: str | None = None
) -> SigningKey:
    """Read a private JWK or an unencrypted PEM private key.

    ``algorithm`` defaults to the JWK's ``alg``, else to the one that suits the key (PS256, ES256,
    EdDSA); ``kid`` defaults to the JWK's.

    Raises:
        ConfigurationError: not a private key, or one the algorithm cannot use.
    """
    try:
        is_jwk = content.lstrip().startswith(b"{")
        key = _from_jwk(content) if is_jwk else _from_pem(content)
    except _UNUSABLE as error:
        raise ConfigurationError("the key is not a usable private JWK or PEM key") from error
    chosen = _choose_algorithm(key, algorithm or key.alg)
    signing_key = SigningKey(key=key, algorithm=chosen, kid=kid or key.kid)
    try:
        signing_key.sign({}, typ="JWT")
    except (JoseError, ValueError) as error:  # a public key, or key_ops without "sign"
        raise ConfigurationError("the key cannot sign") from error
    return signing_key


def _from_jwk(content: bytes) -> AsymmetricKey:
    members = msgspec.json.decode(content, type=dict[str, object])
    # "ext" and other members that are neither text nor lists say nothing about signing.
    relevant: JwkMembers = {
        name: value for name, value in members.items() if isinstance(value, str | list)
    }
    return import_jwk(relevant)


def _from_pem(content: bytes) -> AsymmetricKey:
    key = load_pem_private_key(content, password=None)
    match key:
        case EllipticCurvePrivateKey():
            return ECKey.import_key(key)
        case Ed25519PrivateKey():
            return OKPKey.import_key(key)
        case RSAPrivateKey() if key.key_size >= SMALLEST_RSA_KEY:
            return RSAKey.import_key(key)
        case _:
            raise ValueError("unsupported kind or size of key")


def _choose_algorithm(key: AsymmetricKey, name: str | None) -> SignatureAlgorithm:
    if name is None:
        fitting = [candidate for candidate in SignatureAlgorithm if fits(key, candidate)]
        if not fitting:
            raise ConfigurationError("no accepted algorithm suits the key")
        return fitting[0]
    try:
        algorithm = SignatureAlgorithm(name)
    except ValueError as error:
        accepted = ", ".join(SignatureAlgorithm)
        raise ConfigurationError(f"the algorithm is not one of {accepted}") from error
    if not fits(key, algorithm):
        raise ConfigurationError(f"the key does not suit {algorithm}")
    return algorithm
