"""A push subscription of this phone, as a browser would have one (RFC 8030, RFC 8291, RFC 8292)."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidTag
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
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from authenticator_sim.core.decoding import MalformedJson, decode_json
from authenticator_sim.core.jose import JoseRefused, base64url, decode_base64url
from authenticator_sim.ports import RandomBytes
from ciba_service.sca.messages import WAKE_UP_CONTENT, SetWakeUp

__all__ = ["PushRefused", "PushSubscription", "verify_sender"]

_AUTH_BYTES: Final = 16
_SALT: Final = slice(0, 16)
_SENDER: Final = slice(21, 86)
_HEAD: Final = 86  # salt, record size, and the sender's point behind its length
_POINT_BYTES: Final = 65
_LONGEST_VAPID: Final = 86_400
_VAPID: Final = re.compile(r"vapid t=(?P<token>[\w.-]+), ?k=(?P<key>[\w-]+)", re.ASCII)


class PushRefused(Exception):
    """What came is no push for this phone; the text says why."""


class _VapidClaims(msgspec.Struct, frozen=True):
    aud: str
    exp: int
    sub: str


@dataclass(frozen=True, slots=True)
class PushSubscription:
    """Key and secret of one run; nobody else opens what is sent to it."""

    key: EllipticCurvePrivateKey = field(repr=False)
    auth: bytes = field(repr=False)

    @classmethod
    def new(cls, random_bytes: RandomBytes) -> "PushSubscription":
        """Subscribe."""
        return cls(generate_private_key(SECP256R1()), random_bytes(_AUTH_BYTES))

    def registration(self, endpoint: str) -> SetWakeUp:
        """What the service must know to wake this phone."""
        return SetWakeUp(endpoint, base64url(_point(self.key.public_key())), base64url(self.auth))

    def open(self, body: bytes) -> None:
        """Decrypt a push, which says but one thing; raises ``PushRefused``."""
        if len(body) <= _HEAD or body[_SENDER.start - 1] != _POINT_BYTES:
            raise PushRefused("the body is no aes128gcm message")
        try:
            sender = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), body[_SENDER])
            plaintext = self._decrypted(body, sender)
        except (InvalidTag, ValueError) as error:
            raise PushRefused("the body is not for this subscription") from error
        if plaintext.rstrip(b"\0") != WAKE_UP_CONTENT + b"\2":
            raise PushRefused("the service says something that is not in the protocol")

    def _decrypted(self, body: bytes, sender: EllipticCurvePublicKey) -> bytes:
        own, salt = _point(self.key.public_key()), body[_SALT]
        info = b"WebPush: info\0" + own + body[_SENDER]
        material = _derived(self.key.exchange(ECDH(), sender), self.auth, info, 32)
        key = _derived(material, salt, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _derived(material, salt, b"Content-Encoding: nonce\0", 12)
        return AESGCM(key).decrypt(nonce, body[_HEAD:], None)


def verify_sender(authorization: str, *, endpoint: str, key: str, now: int) -> None:
    """Look who pushes, as a push service does (RFC 8292 4.2); ``now`` is in seconds.

    Raises:
        PushRefused: It is not whom this phone subscribed for, or not for this push service.
    """
    match = _VAPID.fullmatch(authorization)
    if match is None or match["key"] != key:
        raise PushRefused("somebody else pushes")
    try:
        token = jws.deserialize_compact(match["token"], _imported(key), algorithms=["ES256"])
        claims = decode_json(token.payload, _VapidClaims)
    except (JoseError, JoseRefused, MalformedJson, ValueError) as error:
        raise PushRefused("the signature of the pusher is wrong") from error
    parts = urlsplit(endpoint)
    if claims.aud != f"{parts.scheme}://{parts.netloc}":
        raise PushRefused("the push is for another push service")
    if not now < claims.exp <= now + _LONGEST_VAPID:
        raise PushRefused("the signature of the pusher is too old, or too long-lived")


def _imported(key: str) -> ECKey:
    point = decode_base64url(key)
    half = (len(point) - 1) // 2
    x, y = point[1 : 1 + half], point[1 + half :]
    jwk = {"kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y)}
    return ECKey.import_key({**jwk})


def _derived(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(material)


def _point(key: EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
