"""Whatever comes as JSON, JWS or JWE is understood to the letter, or refused as that."""

import json
import zlib
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import ECKey

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.claims import Claims, InvalidClaimsError
from ciba_service.protocol.jose.encoding import (
    MalformedEncodingError,
    base64url,
    parse_base64url,
    parse_json,
    parse_json_object,
)
from ciba_service.protocol.jose.encryption import InvalidJweError, decrypt, encrypt_to
from ciba_service.protocol.jose.keys import InvalidKeyError, KeySet, parse_verification_key
from ciba_service.protocol.jose.verification import InvalidJwsError, parse_jws, verify_jws
from tests.fuzz.budget import fuzzed
from tests.fuzz.hostile import TRICKS, altered, any_text, compact, damaged, documents, outcome
from tests.wire.signing import new_key, public_jwk, sign

OWN = {"ES256": new_key(), "PS256": new_key("PS256"), "EdDSA": new_key("EdDSA")}
KEYS = KeySet.parse({"keys": [public_jwk(key) for key in OWN.values()]})
HEADER = {"alg": "ES256", "kid": "key-1", "typ": "jwt", "jwk": public_jwk(OWN["ES256"])}
CLAIMS: dict[str, Any] = {"iss": "a", "sub": "a", "aud": ["b"], "exp": 9, "iat": 1, "jti": "j"}
VALID = sign({"alg": "ES256", "kid": "key-1"}, CLAIMS, OWN["ES256"])
PHONE = ECKey.generate_key("P-256")
TYP = "secret+json"
VALID_JWE = encrypt_to(PHONE, b'{"a":1}', typ=TYP)

read_json = outcome(parse_json, MalformedEncodingError)
read_jws = outcome(parse_jws, InvalidJwsError)
read_key = outcome(parse_verification_key, InvalidKeyError)
open_jwe = outcome(decrypt, InvalidJweError)


@fuzzed
@given(documents({"a": [1, {"b": None}], "c": "é"}))
@example(b"[" * 33 + b"]" * 33)
def test_json_means_the_same_when_it_is_written_again(data: bytes) -> None:
    """What is accepted can be written, by whoever has it next, and reads as the same."""
    value = read_json(data)
    if value is not None:
        again = json.dumps(value).encode()
        assert len(again) <= 6 * len(data) + 16
        assert read_json(again) == value


@fuzzed
@given(any_text)
def test_base64url_has_one_text_for_each_value(text: str) -> None:
    """What decodes is written so, and not in another way."""
    data = outcome(parse_base64url, MalformedEncodingError)(text)
    assert data is None or base64url(data) == text


@fuzzed
@given(
    st.one_of(
        any_text,
        damaged(VALID.encode()).map(lambda data: data.decode("latin-1")),
        documents(HEADER).map(lambda data: f"{base64url(data)}.{VALID.split('.', 1)[1]}"),
    )
)
@example("." * 100_000)
def test_a_jws_is_what_was_signed_or_refused(token: str) -> None:
    """Whatever is changed in a token, it is refused, or it is the one that was signed."""
    jws = read_jws(token)
    verify = outcome(verify_jws, InvalidJwsError)
    if jws is not None and verify(jws, keys=KEYS, algorithms=frozenset(SignatureAlgorithm)):
        assert json.loads(jws.payload) == CLAIMS


@fuzzed
@given(documents(CLAIMS))
def test_claims_of_any_shape_are_read_or_refused(payload: bytes) -> None:
    """Every getter answers, or says that the claims are invalid."""
    claims = outcome(Claims.parse, InvalidClaimsError)(payload)
    if claims is None:
        return
    for getter in (claims.audience, claims.jti):
        outcome(getter, InvalidClaimsError)()
    outcome(claims.text, InvalidClaimsError)("iss")
    outcome(claims.not_future, InvalidClaimsError)("iat", 5.0)
    expires_at = outcome(claims.unexpired, InvalidClaimsError)(5.0)
    assert expires_at is None or 0 <= int(expires_at * 1000) < 2**64


@fuzzed
@given(st.one_of(*(altered(public_jwk(key)) for key in OWN.values())))
@example({"kty": "RSA", "n": "AQAB", "e": "A" * 10_000})
@example({"kty": "EC", "crv": "P-256", "x": "\ud800", "y": "é"})
@example({"kty": "OKP", "crv": "X25519", "x": "A" * 43})
@example({"kty": ["EC"], "crv": {}, "x": [], "y": None})
def test_a_key_is_strong_and_public_or_refused(jwk: object) -> None:
    """Whatever a JWK says, what comes of it is a key of a kind that is known here."""
    key = read_key(jwk)
    assert key is None or key.key_type in {"EC", "RSA", "OKP"}
    held = outcome(KeySet.parse, InvalidKeyError)({"keys": [jwk, public_jwk(OWN["ES256"])]})
    assert held is None or 1 <= len(held) <= 2


def _with_header(data: bytes) -> str:
    return f"{base64url(data)}.{VALID_JWE.split('.', 1)[1]}"


JWE_HEADER = json.loads(parse_base64url(VALID_JWE.split(".", maxsplit=1)[0]))
BOMB = base64url(zlib.compress(b"\0" * 1_000_000)[2:-4])


@fuzzed
@given(
    st.one_of(
        any_text,
        damaged(VALID_JWE.encode()).map(lambda data: data.decode("latin-1")),
        documents(JWE_HEADER).map(_with_header),
    )
)
@example(_with_header(compact({**JWE_HEADER, "zip": "DEF"})))
@example(_with_header(compact({**JWE_HEADER, "epk": {**JWE_HEADER["epk"], "crv": "secp256k1"}})))
@example(_with_header(compact({**JWE_HEADER, "epk": {"kty": "OKP", "crv": "X25519", "x": "AA"}})))
@example(".".join([VALID_JWE.split(".", maxsplit=1)[0], "", "", BOMB, ""]))
def test_a_jwe_opens_as_it_was_made_or_not_at_all(token: str) -> None:
    """No header, key or ciphertext of others makes anything else of it."""
    assert open_jwe(token, PHONE, TYP) in {None, b'{"a":1}'}


def test_nothing_compressed_is_opened() -> None:
    """A megabyte that was packed into a few hundred bytes stays packed (RFC 8725 3.6)."""
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "typ": TYP, "zip": "DEF"}
    allowed = ["ECDH-ES", "A256GCM", "DEF"]
    bomb = jwe.encrypt_compact(header, b"\0" * 1_000_000, PHONE, algorithms=allowed)
    assert len(bomb) < 4_096
    assert open_jwe(bomb, PHONE, TYP) is None


def test_every_known_trick_is_refused_or_harmless() -> None:
    """None of the texts that broke other readers breaks this one."""
    for trick in TRICKS:
        outcome(parse_json_object, MalformedEncodingError)(trick)
