"""Signatures and encryption as the device protocol uses them: ES256, ECDH-ES with A256GCM.

The library draws its own randomness for keys, nonces and initialisation vectors.
"""

import base64
import binascii
from typing import Final, TypeVar

import msgspec
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from authenticator_sim.core.decoding import MalformedJson, decode_json

__all__ = [
    "JoseRefused",
    "base64url",
    "decode_base64url",
    "decrypt",
    "encrypt",
    "import_private_key",
    "import_public_key",
    "new_private_key",
    "private_jwk",
    "public_jwk",
    "sign",
    "sign_with_jwk",
    "verify",
]

_SIGNATURE_ALGORITHMS: Final = ["ES256"]
_ENCRYPTION_ALGORITHMS: Final = ["ECDH-ES", "A256GCM"]
_CURVE: Final = "P-256"


class JoseRefused(Exception):
    """A key, signature or encrypted object that is not what the protocol says."""


class _JwsHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: str
    typ: str
    kid: str


class _JweHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: str
    enc: str
    typ: str
    epk: dict[str, str]
    kid: str | None = None


_HeaderT = TypeVar("_HeaderT", _JwsHeader, _JweHeader)


def base64url(data: bytes) -> str:
    """Encode without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Decode canonical unpadded base64url; raises ``JoseRefused``."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise JoseRefused("not base64url") from error
    if base64url(data) != text:
        raise JoseRefused("not canonical base64url")
    return data


def new_private_key() -> ECKey:
    """Make a P-256 key."""
    return ECKey.generate_key(_CURVE)


def public_jwk(key: ECKey) -> dict[str, str]:
    """Public half of a key as a JWK."""
    jwk = key.as_dict(private=False)
    return {name: str(jwk[name]) for name in ("kty", "crv", "x", "y")}


def private_jwk(key: ECKey) -> dict[str, str]:
    """Whole key as a JWK, for the keystore only."""
    return {**public_jwk(key), "d": str(key.as_dict(private=True)["d"])}


def import_public_key(jwk: dict[str, str]) -> ECKey:
    """Take a public P-256 key; raises ``JoseRefused``."""
    if "d" in jwk:
        raise JoseRefused("a private key where a public one belongs")
    return _import_key(jwk)


def import_private_key(jwk: dict[str, str]) -> ECKey:
    """Take a private P-256 key; raises ``JoseRefused``."""
    if "d" not in jwk:
        raise JoseRefused("a public key where a private one belongs")
    return _import_key(jwk)


def _import_key(jwk: dict[str, str]) -> ECKey:
    if jwk.get("kty") != "EC" or jwk.get("crv") != _CURVE:
        raise JoseRefused("not a P-256 key")
    try:
        return ECKey.import_key({**jwk})
    except (JoseError, ValueError) as error:
        raise JoseRefused("not a valid P-256 key") from error


def sign(payload: bytes, *, key: ECKey, typ: str, kid: str) -> str:
    """Sign as a compact JWS."""
    header = {"alg": "ES256", "typ": typ, "kid": kid}
    return jws.serialize_compact(header, payload, key, algorithms=_SIGNATURE_ALGORITHMS)


def sign_with_jwk(payload: bytes, *, key: ECKey, typ: str) -> str:
    """Sign as a compact JWS that carries its own public key: proof of possession."""
    header = {"alg": "ES256", "typ": typ, "jwk": public_jwk(key)}
    return jws.serialize_compact(header, payload, key, algorithms=_SIGNATURE_ALGORITHMS)


def verify(token: str, *, keys: tuple[dict[str, str], ...], typ: str) -> bytes:
    """Verify a compact JWS by the key its ``kid`` names and return the payload.

    Raises:
        JoseRefused: Any header member, the key or the signature is not as expected.
    """
    header = _header(token, _JwsHeader)
    if header.alg != "ES256" or header.typ != typ:
        raise JoseRefused("another algorithm or type")
    candidates = [jwk for jwk in keys if jwk.get("kid") == header.kid]
    if len(candidates) != 1:
        raise JoseRefused("signed by an unknown key")
    key = import_public_key(candidates[0])
    try:
        return jws.deserialize_compact(token, key, algorithms=_SIGNATURE_ALGORITHMS).payload
    except (JoseError, ValueError) as error:
        raise JoseRefused("wrong signature") from error


def encrypt(plaintext: bytes, *, to: dict[str, str], typ: str) -> str:
    """Encrypt to a public key as a compact JWE with a fresh ephemeral key."""
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "typ": typ, "kid": to["kid"]}
    key = import_public_key(to)
    return jwe.encrypt_compact(header, plaintext, key, algorithms=_ENCRYPTION_ALGORITHMS)


def decrypt(token: str, *, key: ECKey, typ: str) -> bytes:
    """Decrypt a compact JWE; raises ``JoseRefused`` unless all is as expected."""
    if _header(token, _JweHeader).typ != typ:
        raise JoseRefused("another type")
    try:
        plaintext = jwe.decrypt_compact(token, key, algorithms=_ENCRYPTION_ALGORITHMS).plaintext
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise JoseRefused("cannot be decrypted") from error
    if plaintext is None:
        raise AssertionError("a decrypted object has a plaintext")
    return plaintext


def _header(token: str, kind: type[_HeaderT]) -> _HeaderT:
    if not token.isascii():
        raise JoseRefused("not a compact object")
    try:
        return decode_json(decode_base64url(token.partition(".")[0]), kind)
    except MalformedJson as error:
        raise JoseRefused("not the expected header") from error
