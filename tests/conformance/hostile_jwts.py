"""The tricks that are played with JWTs, each as a way to write one."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from tests.unit.protocol.client.certificates.authority import self_signed
from tests.wire.signing import JoseKey, new_key, public_jwk, segment, sign

Header = dict[str, Any]
Claims = dict[str, Any]
Bend = Callable[[Header, Claims, JoseKey], str]

ATTACKER = new_key(kid="attacker")
CHAIN = [base64.b64encode(self_signed().public_bytes(Encoding.DER)).decode()]
ELSEWHERE = "https://attacker.example/keys"
DEEP = "[" * 2_500 + "]" * 2_500
DIGITS = "9" * 9_000


def signed_by_hand(header: str, claims: str, key: JoseKey) -> str:
    """An ES256 signature over JSON that no library would write."""
    assert isinstance(key.private_key, EllipticCurvePrivateKey)
    signed = f"{_base64url(header.encode())}.{_base64url(claims.encode())}"
    numbers = decode_dss_signature(key.private_key.sign(signed.encode(), ECDSA(SHA256())))
    return f"{signed}.{_base64url(b''.join(number.to_bytes(32) for number in numbers))}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_header(**members: Any) -> Bend:
    """Signed with the right key under more or other members of the header."""
    return lambda header, claims, key: signed_by_hand(
        json.dumps({**header, **members}), json.dumps(claims), key
    )


def with_raw_header(text: str) -> Bend:
    """Signed with the right key; ``text`` stands before all other members of the header."""
    return lambda header, claims, key: signed_by_hand(
        f"{{{text}, {json.dumps(header)[1:]}", json.dumps(claims), key
    )


def with_raw_claims(text: str) -> Bend:
    """Signed with the right key; ``text`` stands before all other claims."""
    return lambda header, claims, key: signed_by_hand(
        json.dumps(header), f"{{{text}, {json.dumps(claims)[1:]}", key
    )


def by_attacker(**members: Any) -> Bend:
    """Signed with somebody else's key, to which the header points; None drops a member."""

    def bend(header: Header, claims: Claims, _: JoseKey) -> str:
        merged = {**header, **members}
        present = {name: value for name, value in merged.items() if value is not None}
        return sign(present, claims, ATTACKER)

    return bend


def unsecured(header: Header, claims: Claims, _: JoseKey) -> str:
    """No signature at all."""
    return f"{segment({**header, 'alg': 'none'})}.{segment(claims)}."


def under_the_public_key(header: Header, claims: Claims, key: JoseKey) -> str:
    """A MAC whose secret everybody knows."""
    signed = f"{segment({**header, 'alg': 'HS256'})}.{segment(claims)}"
    secret = key.as_pem(private=False)
    return f"{signed}.{_base64url(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def with_private_jwk(header: Header, claims: Claims, key: JoseKey) -> str:
    """The key that is proved stands there whole."""
    return sign({**header, "jwk": key.as_dict(private=True)}, claims, key)


ANYWHERE: Mapping[str, Bend] = {
    "crit": with_header(crit=["exp"]),
    "unencoded-payload": with_header(crit=["b64"], b64=False),
    "compressed": with_header(crit=["zip"], zip="DEF"),
    "long-header": with_header(noise="n" * 12_000),
    "none": unsecured,
    "mac-under-the-public-key": under_the_public_key,
    "alg-in-lower-case": with_header(alg="es256"),
    "alg-twice": with_raw_header('"alg": "none"'),
    "claim-twice": with_raw_claims('"jti": "another"'),
    "deep-header": with_raw_header(f'"x": {DEEP}'),
    "deep-claims": with_raw_claims(f'"x": {DEEP}'),
    "endless-number": with_raw_claims(f'"x": {DIGITS}'),
    "no-number": with_raw_claims('"x": NaN'),
    "half-a-character": with_raw_claims('"x": "\\ud800"'),
    "no-object": lambda header, claims, key: signed_by_hand(
        json.dumps(header), json.dumps([claims]), key
    ),
    "dots": lambda *_: "." * 5_000,
}
NAMED_KEYS: Mapping[str, Bend] = {
    "jwk": by_attacker(jwk=public_jwk(ATTACKER)),
    "x5c": by_attacker(x5c=CHAIN),
    "jku": by_attacker(jku=ELSEWHERE),
    "x5u": by_attacker(x5u=ELSEWHERE),
    "jwk-under-its-own-kid": by_attacker(jwk=public_jwk(ATTACKER), kid="attacker"),
    "no-kid": by_attacker(kid=None),
    "kid-a-path": with_header(kid="../../../../dev/null"),
    "kid-a-query": with_header(kid="key-1' OR '1'='1"),
    "kid-with-nul": with_header(kid="key-1\0"),
    "kid-an-address": with_header(kid=ELSEWHERE),
    "kid-empty": with_header(kid=""),
    "kid-long": with_header(kid="k" * 5_000),
    "kid-a-list": with_header(kid=["key-1"]),
    "kid-a-number": with_header(kid=1),
}
PROOF_KEYS: Mapping[str, Bend] = {
    "x5c": by_attacker(jwk=None, x5c=CHAIN),
    "jku": by_attacker(jwk=None, jku=ELSEWHERE),
    "x5u": by_attacker(jwk=None, x5u=ELSEWHERE),
    "another-key": by_attacker(),
    "private-jwk": with_private_jwk,
    "symmetric-jwk": with_header(jwk={"kty": "oct", "k": "AAAA"}),
}
