"""Signed objects as no honest client makes them: any header, any claims, any key (RFC 7515)."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.registry import HeaderParameter

from ciba_client.sdk.jose.algorithms import REGISTRY, AsymmetricKey
from ciba_client.sdk.jose.signing_key import SigningKey

__all__ = ["UNCHANGED", "Bent", "Changes", "Claims", "Signer", "new_stranger", "truthful"]

Claims = dict[str, object]
Changes = Mapping[str, object]
"""What differs from what an honest client says; a member that is None is left out."""

UNCHANGED: Final[Changes] = MappingProxyType({})
Bent = Callable[[SigningKey, Claims], str]
"""How claims become a compact JWS."""


def truthful(key: SigningKey, claims: Claims) -> str:
    """Signed as it ought to be."""
    return Signer(key).sign(claims)


def new_stranger(key: SigningKey) -> SigningKey:
    """A key of the same kind and the same ``kid`` that nobody has registered."""
    made: AsymmetricKey
    match key.key:
        case RSAKey():
            made = RSAKey.generate_key(2048, private=True)
        case ECKey():
            made = ECKey.generate_key("P-256", private=True)
        case OKPKey():
            made = OKPKey.generate_key("Ed25519", private=True)
    return SigningKey(key=made, algorithm=key.algorithm, kid=key.kid)


class Signer:
    """Signs with a key whatever it is told to."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key

    def header(self, **changed: object) -> Claims:
        """``alg`` and ``kid``; a member set to None is left out."""
        members = {"alg": str(self._key.algorithm), "kid": self._key.kid, **changed}
        return {name: value for name, value in members.items() if value is not None}

    def sign(self, claims: Mapping[str, object], **header: object) -> str:
        """A JWS of the algorithm that the header names, if the key can do it at all."""
        members = self.header(**header)
        payload, own = msgspec.json.encode(claims), self._key
        key = own.key if members["alg"] == own.algorithm else _unmarked(own.key)
        return jws.serialize_compact(members, payload, key, registry=_registry(members))

    def unsecured(self, claims: Mapping[str, object], **header: object) -> str:
        """With ``alg`` none, and no signature (RFC 7515 A.5)."""
        members = self.header(**{"alg": "none", **header})
        return f"{_segment(members)}.{_segment(claims)}."

    def with_broken_signature(self, claims: Mapping[str, object]) -> str:
        """Signed, and then some bits of the signature turned."""
        head, _, signature = self.sign(claims).rpartition(".")
        padded = signature + "=" * (-len(signature) % 4)
        turned = bytes(each ^ 0x5A for each in base64.urlsafe_b64decode(padded))
        return f"{head}.{_base64(turned)}"

    def with_public_key_as_secret(self, claims: Mapping[str, object]) -> str:
        """HS256 with what everybody knows as the secret (RFC 8725 2.1)."""
        signed = f"{_segment(self.header(alg='HS256'))}.{_segment(claims)}"
        secret = self._key.key.as_pem(private=False)
        return f"{signed}.{_base64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def _registry(header: Claims) -> jws.JWSRegistry:
    """One that knows every member of the header, ``crit`` ones too."""
    known = {name: HeaderParameter("whatever it is", lambda _value: None) for name in header}
    unknown = {
        name: each
        for name, each in known.items()
        if name not in jws.JWSRegistry.default_header_registry
    }
    registry = jws.JWSRegistry(unknown, list(REGISTRY.algorithms), strict_check_header=False)
    registry.algorithms = REGISTRY.algorithms
    return registry


def _unmarked(key: AsymmetricKey) -> AsymmetricKey:
    """The same key, without a word on what it is for."""
    marks = {"alg", "use", "key_ops", "kid"}
    members = {name: each for name, each in key.as_dict(private=True).items() if name not in marks}
    return type(key).import_key(members)


def _segment(members: Mapping[str, object]) -> str:
    return _base64(msgspec.json.encode(members))


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
