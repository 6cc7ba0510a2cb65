"""What a push service carries and cannot read (RFC 8291, over RFC 8188 and RFC 8030)."""

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

__all__ = ["PUSH_ENCODING", "encrypted_push", "ephemeral_key", "push_key"]

PUSH_ENCODING: Final = "aes128gcm"
_RECORD_SIZE: Final = 4_096
_SALT_BYTES: Final = 16
_LAST_RECORD: Final = b"\2"
_CURVE: Final = SECP256R1()
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ENOUGH_BYTES: Final = 48  # 128 bits more than the order has: no remainder is likelier than another


def push_key(point: bytes) -> EllipticCurvePublicKey:
    """The key of a subscription, an uncompressed point on P-256; raises ``ValueError``."""
    return EllipticCurvePublicKey.from_encoded_point(_CURVE, point)


def ephemeral_key(token_bytes: Callable[[int], bytes]) -> EllipticCurvePrivateKey:
    """A key for one message (RFC 8291 3.1)."""
    drawn = int.from_bytes(token_bytes(_ENOUGH_BYTES))
    return derive_private_key(drawn % (_ORDER - 1) + 1, _CURVE)


def encrypted_push(
    content: bytes,
    *,
    receiver: EllipticCurvePublicKey,
    auth: bytes,
    sender: EllipticCurvePrivateKey,
    salt: bytes,
) -> bytes:
    """The body of a push: one record, which only the subscription's owner opens.

    ``sender`` and the 16 bytes of ``salt`` are for this message alone.
    """
    if len(salt) != _SALT_BYTES:
        raise ValueError("a salt has 16 bytes")
    sent, received = _point(sender.public_key()), _point(receiver)
    shared = sender.exchange(ECDH(), receiver)
    # RFC 8291 3.4: both keys go in, and the secret that the push service does not have.
    material = _derived(shared, auth, b"WebPush: info\0" + received + sent, 32)
    key = _derived(material, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(material, salt, b"Content-Encoding: nonce\0", 12)
    head = salt + _RECORD_SIZE.to_bytes(4) + bytes((len(sent),)) + sent
    return head + AESGCM(key).encrypt(nonce, content + _LAST_RECORD, None)


def _derived(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(material)


def _point(key: EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
