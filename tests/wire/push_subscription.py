"""The phone's half of Web Push: it opens what is pushed, and knows who pushes (RFC 8291, 8292)."""

import base64
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.wire.callback_endpoint import Received


def base64url(data: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """What unpadded base64url stands for."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point(key: EllipticCurvePublicKey) -> bytes:
    """A public key as an uncompressed point."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass
class PushSubscription:
    """A key and a secret."""

    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def message(self, endpoint: str, **changed: Any) -> dict[str, Any]:
        """What registers it; a member set to None is left out."""
        members = {
            "type": "set_wake_up",
            "endpoint": endpoint,
            "p256dh": base64url(point(self.key.public_key())),
            "auth": base64url(self.auth),
            **changed,
        }
        return {name: value for name, value in members.items() if value is not None}

    def open(self, body: bytes) -> bytes:
        """Decrypt a push of one record (RFC 8291 3.4, RFC 8188 2.1)."""
        salt, sent, sealed = body[:16], body[21:86], body[86:]
        sender = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), sent)
        info = b"WebPush: info\0" + point(self.key.public_key()) + sent
        material = _derived(self.key.exchange(ECDH(), sender), self.auth, info, 32)
        key = _derived(material, salt, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _derived(material, salt, b"Content-Encoding: nonce\0", 12)
        plaintext = AESGCM(key).decrypt(nonce, sealed, None)
        content, delimiter = plaintext.rstrip(b"\0")[:-1], plaintext.rstrip(b"\0")[-1:]
        assert delimiter == b"\2"
        return content


def vapid_claims_of(push: Received, key: str) -> dict[str, Any]:
    """Who pushed, as a push service verifies it with the key the phone subscribed for."""
    scheme, _, rest = push.headers["authorization"].partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert (scheme, parts["k"]) == ("vapid", key)
    x, y = from_base64url(key)[1:33], from_base64url(key)[33:]
    jwk = {"kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y)}
    token = jwt.decode(parts["t"], ECKey.import_key({**jwk}), algorithms=["ES256"])
    assert token.header["typ"] == "JWT"
    return dict(token.claims)


def _derived(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(material)
