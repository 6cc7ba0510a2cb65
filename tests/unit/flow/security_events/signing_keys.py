"""A key for security event tokens."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.signing import SigningKey


@cache
def signing_key() -> SigningKey:
    """One for all tests."""
    return SigningKey("events-key", SignatureAlgorithm.ES256, generate_private_key(SECP256R1()))
