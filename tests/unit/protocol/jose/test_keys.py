"""Public keys of others: never weak, never private, told apart by more than their name."""

from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.jose.keys import InvalidKeyError, KeySet, parse_verification_key
from tests.unit.protocol.registrations import key_for
from tests.wire.signing import public_jwk

EC = public_jwk(key_for("ES256"))
RSA = public_jwk(key_for("PS256"))
OKP = public_jwk(key_for("EdDSA"))


def _rsa_of(bits: int) -> dict[str, str]:
    numbers = generate_private_key(65537, bits).public_key().public_numbers()
    return {"kty": "RSA", "n": base64url(numbers.n.to_bytes(bits // 8, "big")), "e": "AQAB"}


def _without(jwk: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in jwk.items() if key != name}


@pytest.mark.parametrize(
    ("jwk", "key_type", "alg"),
    [(EC, "EC", "ES256"), (RSA, "RSA", "PS256"), (OKP, "OKP", "EdDSA")],
    ids=["EC", "RSA", "OKP"],
)
def test_a_public_key_is_read(jwk: Mapping[str, str], key_type: str, alg: str):
    """Type, name and algorithm are what the JWK says."""
    key = parse_verification_key(jwk)
    assert (key.key_type, key.kid, key.alg) == (key_type, "key-1", SignatureAlgorithm(alg))


@pytest.mark.clause("fapi1-p1-5.2.2-5", "fapi2-sp-5.4.1-2")
@pytest.mark.parametrize("bits", [1024, 2040])
def test_a_short_rsa_key_is_refused(bits: int):
    """Less than 2048 bits is no key."""
    with pytest.raises(InvalidKeyError, match="2048"):
        parse_verification_key(_rsa_of(bits))


@pytest.mark.parametrize("exponent", ["AQAAAAE", base64url(b"\x7f" * 200)], ids=["33", "1600"])
def test_a_long_rsa_exponent_is_refused(exponent: str):
    """A verification with it would take as long as a signature does."""
    with pytest.raises(InvalidKeyError, match="32 bits"):
        parse_verification_key({**RSA, "e": exponent})


def test_an_rsa_exponent_of_32_bits_is_taken():
    """Nobody has a longer one; 65537 is what everybody has."""
    assert parse_verification_key({**RSA, "e": base64url(b"\xff" * 4)}).key_type == "RSA"


@pytest.mark.clause("rfc8725-3.4-1", "rfc8725-3.5-1", "fapi1-p1-5.2.2-6", "fapi2-sp-5.4.1-3")
@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param(ECKey.generate_key("P-384").as_dict(private=False), id="P-384"),
        pytest.param(ECKey.generate_key("secp256k1").as_dict(private=False), id="secp256k1"),
        pytest.param({**EC, "crv": "P-192"}, id="short-curve"),
        pytest.param({**EC, "y": EC["x"]}, id="off-the-curve"),
        pytest.param({**EC, "x": base64url(bytes(32)), "y": base64url(bytes(32))}, id="zero-point"),
        pytest.param({**EC, "x": "AA"}, id="short-coordinate"),
        pytest.param({**EC, "x": "***"}, id="coordinate-not-base64url"),
        pytest.param({**EC, "x": "é"}, id="coordinate-not-ascii"),
        pytest.param(_without(EC, "y"), id="no-y"),
        pytest.param({**EC, "y": 5}, id="y-a-number"),
        pytest.param({**RSA, "n": base64url(b"\xff" * 2000)}, id="rsa-of-16000-bits"),
        pytest.param({**RSA, "e": "AQ"}, id="exponent-1"),
        pytest.param({**RSA, "e": "Ag"}, id="exponent-2"),
        pytest.param(_without(RSA, "e"), id="no-exponent"),
        pytest.param(OKPKey.generate_key("X25519").as_dict(private=False), id="X25519"),
        pytest.param({**OKP, "crv": "Ed448"}, id="Ed448-of-wrong-length"),
        pytest.param({**OKP, "x": "AA"}, id="short-ed25519"),
    ],
)
def test_a_weak_or_malformed_key_is_refused(jwk: Mapping[str, Any]):
    """Points are on P-256, moduli are of a bounded size, numbers are whole."""
    with pytest.raises(InvalidKeyError):
        parse_verification_key(jwk)


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param(key_for("ES256").as_dict(private=True), id="private-EC"),
        pytest.param(key_for("PS256").as_dict(private=True), id="private-RSA"),
        pytest.param(key_for("EdDSA").as_dict(private=True), id="private-OKP"),
        pytest.param(OctKey.generate_key(256).as_dict(private=True), id="symmetric"),
        pytest.param({**EC, "d": "AA"}, id="one-private-member"),
        pytest.param({**EC, "k": None}, id="named-is-enough"),
    ],
)
def test_a_private_or_symmetric_key_is_refused(jwk: Mapping[str, Any]):
    """A private member in a public key set is a leak, not a key."""
    with pytest.raises(InvalidKeyError, match="private or symmetric"):
        parse_verification_key(jwk)


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param("key", id="no-object"),
        pytest.param(None, id="null"),
        pytest.param({}, id="empty"),
        pytest.param({**EC, "kty": "oct"}, id="oct"),
        pytest.param({**EC, "kty": ["EC"]}, id="kty-a-list"),
        pytest.param({**EC, "kid": 5}, id="kid-a-number"),
        pytest.param({**EC, "alg": 5}, id="alg-a-number"),
        pytest.param({**EC, "alg": "HS256"}, id="HS256"),
        pytest.param({**EC, "alg": "none"}, id="none"),
        pytest.param({**EC, "alg": "PS256"}, id="alg-of-another-type"),
        pytest.param({**EC, "kty": "RSA"}, id="kty-of-another-type"),
    ],
)
def test_a_key_that_contradicts_itself_is_refused(jwk: object):
    """Type, name and algorithm are strings that fit each other."""
    with pytest.raises(InvalidKeyError):
        parse_verification_key(jwk)


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": []},
        {"keys": {}},
        {"keys": None},
        {"keys": "key"},
        {"keys": [EC] * 33},
        {"keys": [EC, "key"]},
    ],
    ids=["nothing", "empty", "object", "null", "string", "33-keys", "no-object"],
)
def test_a_key_set_has_1_to_32_keys(jwks: Mapping[str, Any]):
    """Anything else is no key set."""
    with pytest.raises(InvalidKeyError):
        KeySet.parse(jwks)


def test_encryption_keys_are_left_out():
    """A key for encryption verifies nothing, whatever its shape; a set of such is empty."""
    keys = KeySet.parse({"keys": [EC, {**RSA, "use": "enc"}, {"kty": "?", "use": "enc"}]})
    assert [key.key_type for key in keys] == ["EC"]
    assert len(keys) == 1
    with pytest.raises(InvalidKeyError, match="no signature key"):
        KeySet.parse({"keys": [{**EC, "use": "enc"}]})


def test_keys_of_kinds_unknown_here_are_left_out():
    """A client may publish keys that others have a use for (RFC 7517 5)."""
    foreign = [{**EC, "crv": "P-384"}, {"kty": "AKP", "pub": "x"}, {**RSA, "alg": "RSA-OAEP-256"}]
    assert len(KeySet.parse({"keys": [*foreign, {**RSA, "alg": "RS512"}, EC]})) == 1
    with pytest.raises(InvalidKeyError, match="no signature key"):
        KeySet.parse({"keys": foreign})


UNUSABLE = [
    {"kty": "LATTICE", "pub": "x"},
    {**EC, "alg": "HPKE-0"},
    {**EC, "crv": "brainpoolP256r1"},
    _rsa_of(1024),
    _without(EC, "y"),
    "key",
]


def test_an_unusable_key_stands_in_no_others_way_where_a_client_publishes_its_keys():
    """It may be there for somebody else, or nobody is there to mend it (RFC 7517 5)."""
    keys = KeySet.parse_published({"keys": [UNUSABLE[0], EC, *UNUSABLE[1:], RSA]})
    assert [key.key_type for key in keys] == ["EC", "RSA"]
    with pytest.raises(InvalidKeyError, match="kty"):
        KeySet.parse_published({"keys": UNUSABLE})
    with pytest.raises(InvalidKeyError, match="no signature key"):
        KeySet.parse_published({"keys": [{**EC, "use": "enc"}]})


@pytest.mark.parametrize("jwk", UNUSABLE, ids=range(len(UNUSABLE)))
def test_an_unusable_key_is_told_where_a_client_registers_its_keys(jwk: object):
    """Whoever registers it can mend it."""
    with pytest.raises(InvalidKeyError):
        KeySet.parse({"keys": [EC, jwk]})


@pytest.mark.clause("oidr-2-1")
@pytest.mark.parametrize("secret", [{**EC, "d": "x"}, {"kty": "oct", "k": "x"}, {"kty": "oct"}])
def test_a_set_with_a_secret_is_refused_whatever_its_use(secret: Mapping[str, str]):
    """Whoever publishes a private key must learn of it."""
    for more in ({}, {"use": "enc"}, {"alg": "RSA-OAEP"}):
        for parse in (KeySet.parse, KeySet.parse_published):
            with pytest.raises(InvalidKeyError, match="private or symmetric"):
                parse({"keys": [EC, {**secret, **more}]})


@pytest.mark.clause("fapi1-p2-8.11-1", "fapi2-sp-5.4.3-1")
def test_keys_of_one_name_are_told_apart_by_type_and_algorithm():
    """A duplicate kid is no obstacle where kty or alg decides."""
    rsa = public_jwk(key_for("RS256"))
    keys = KeySet.parse({"keys": [EC, RSA, rsa, OKP, _without(EC, "alg")]})
    for alg, count in (("ES256", 2), ("PS256", 1), ("RS256", 1), ("EdDSA", 1)):
        found = keys.candidates(kid="key-1", alg=SignatureAlgorithm(alg))
        assert len(found) == count
    assert keys.candidates(kid="key-2", alg=SignatureAlgorithm.ES256) == []
    assert len(keys.candidates(kid=None, alg=SignatureAlgorithm.PS256)) == 1


def test_a_key_shows_no_numbers():
    """The repr of a key does not fill a log."""
    assert "RSAKey" not in repr(parse_verification_key(RSA))
    assert RSAKey.import_key(RSA).as_dict(private=False)["n"] not in repr(
        parse_verification_key(RSA)
    )
