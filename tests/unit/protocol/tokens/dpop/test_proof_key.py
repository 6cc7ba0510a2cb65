"""The key that comes with a proof: named by its thumbprint, never private, weak or costly."""

from collections.abc import Mapping
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey

from ciba_service.protocol.jose.encoding import base64url, parse_base64url
from ciba_service.protocol.jose.keys import InvalidKeyError
from ciba_service.protocol.tokens.dpop.proof_key import parse_proof_key
from tests.unit.protocol.registrations import key_for
from tests.unit.protocol.tokens.dpop.proofs import bare_jwk

EC = bare_jwk(key_for("ES256"))
RSA = bare_jwk(key_for("PS256"))
OKP = bare_jwk(key_for("EdDSA"))

# RFC 7638 3.1
RFC_7638_KEY = {
    "kty": "RSA",
    "n": (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3okn"
        "jhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qM"
        "QvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJ"
        "zKnqDKgw"
    ),
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
# RFC 9449 4.1 and 6.1
RFC_9449_KEY = {
    "kty": "EC",
    "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
    "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    "crv": "P-256",
}


@pytest.mark.parametrize(
    ("jwk", "jkt"),
    [
        (RFC_7638_KEY, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
        (RFC_9449_KEY, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
    ],
)
def test_the_examples_of_the_specifications_have_their_thumbprints(
    jwk: Mapping[str, str], jkt: str
):
    """RFC 7638 3.1 and RFC 9449 6.1."""
    assert parse_proof_key(jwk).jkt == jkt


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
def test_a_thumbprint_is_that_of_joserfc(alg: str):
    """Whatever else the key says of itself."""
    key = key_for(alg)
    assert parse_proof_key(bare_jwk(key)).jkt == key.thumbprint()
    labelled = {**bare_jwk(key), "kid": "name", "key_ops": ["verify"], "ext": True, "x5u": "x"}
    assert parse_proof_key(labelled).jkt == key.thumbprint()


@pytest.mark.clause("rfc9449-4.3-7")
@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param(key_for("ES256").as_dict(private=True), id="private-EC"),
        pytest.param(key_for("PS256").as_dict(private=True), id="private-RSA"),
        pytest.param(key_for("EdDSA").as_dict(private=True), id="private-OKP"),
        pytest.param(OctKey.generate_key(256).as_dict(private=True), id="symmetric"),
        pytest.param({**EC, "d": None}, id="named-is-enough"),
        pytest.param({**EC, "k": "AA"}, id="with-a-secret"),
        pytest.param({**RSA, "oth": []}, id="with-other-primes"),
    ],
)
def test_a_private_key_is_refused(jwk: Mapping[str, Any]):
    """Who sends the private key proves nothing with it."""
    with pytest.raises(InvalidKeyError, match="private or symmetric"):
        parse_proof_key(jwk)


def _rsa_of(octets: int) -> dict[str, str]:
    return {**RSA, "n": base64url(b"\xff" * octets)}


def _with_zeros(jwk: Mapping[str, str], name: str) -> dict[str, str]:
    return {**jwk, name: base64url(b"\0" + parse_base64url(jwk[name]))}


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param(None, id="missing"),
        pytest.param("jwk", id="text"),
        pytest.param([EC], id="a-list"),
        pytest.param({"keys": [EC]}, id="a-key-set"),
        pytest.param({}, id="empty"),
        pytest.param({**EC, "kty": "RSA"}, id="another-kty"),
        pytest.param({**EC, "crv": "P-384"}, id="another-crv"),
        pytest.param({**EC, "x": [EC["x"]]}, id="x-a-list"),
        pytest.param({**EC, "x": 5}, id="x-a-number"),
        pytest.param({**EC, "y": EC["x"]}, id="off-the-curve"),
        pytest.param({**EC, "x": EC["x"] + "="}, id="padded"),
        pytest.param({**EC, "x": EC["x"] + "\n"}, id="line-feed"),
        pytest.param({**EC, "alg": "PS256"}, id="alg-of-another-type"),
        pytest.param({**EC, "alg": ["ES256"]}, id="alg-a-list"),
        pytest.param(ECKey.generate_key("P-384").as_dict(private=False), id="P-384"),
        pytest.param(ECKey.generate_key("secp256k1").as_dict(private=False), id="secp256k1"),
        pytest.param(OKPKey.generate_key("X25519").as_dict(private=False), id="X25519"),
        pytest.param(_rsa_of(128), id="rsa-1024"),
        pytest.param({**RSA, "e": "AQ"}, id="exponent-1"),
        pytest.param({**RSA, "e": "BA"}, id="exponent-4"),
        pytest.param({**OKP, "x": OKP["x"][:-2]}, id="short-ed25519"),
    ],
)
def test_a_key_that_is_none_is_refused(jwk: object):
    """Of another kind, off its curve, or malformed."""
    with pytest.raises(InvalidKeyError):
        parse_proof_key(jwk)


@pytest.mark.parametrize(
    ("jwk", "why"),
    [
        pytest.param(_rsa_of(513), "4096 bits", id="rsa-4104"),
        pytest.param({**RSA, "e": base64url(b"\xff" * 32)}, "exponent", id="256-bits"),
        pytest.param({**RSA, "e": "AQAAAAE"}, "exponent", id="33-bits"),
    ],
)
def test_a_costly_key_is_refused(jwk: Mapping[str, str], why: str):
    """Strangers choose this key: what it costs to verify with it is bounded."""
    with pytest.raises(InvalidKeyError, match=why):
        parse_proof_key(jwk)


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param(_with_zeros(EC, "x"), id="EC"),
        pytest.param(_with_zeros(EC, "y"), id="EC-y"),
        pytest.param(_with_zeros(RSA, "n"), id="RSA"),
        pytest.param(_with_zeros(RSA, "e"), id="RSA-e"),
    ],
)
def test_a_key_has_one_name(jwk: Mapping[str, str]):
    """Zeros before a number would give the same key another thumbprint."""
    with pytest.raises(InvalidKeyError):
        parse_proof_key(jwk)
