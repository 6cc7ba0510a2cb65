"""Reading the client's private key."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from ciba_client import ConfigurationError, SigningKey, parse_signing_key
from ciba_client.sdk.jose.algorithms import REGISTRY

SHORT_RSA_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to be refused


def pem(key: object, encryption: KeySerializationEncryption | None = None):
    """A private key as PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def as_json(key: object, **changes: object):
    """A private key as the content of a JWK file."""
    return json.dumps({**key.as_dict(private=True), **changes}).encode()


@pytest.mark.parametrize(
    ("fixture", "algorithm"),
    [("client_jwk", "ES256"), ("rsa_jwk", "PS256"), ("ed25519_jwk", "EdDSA")],
)
@pytest.mark.parametrize("kind", ["jwk", "pem"])
def test_the_algorithm_suits_the_key(
    request: pytest.FixtureRequest, fixture: str, algorithm: str | None, kind: str
):
    """Each kind of key has one default algorithm, whatever its file format."""
    key = request.getfixturevalue(fixture)
    content = as_json(key) if kind == "jwk" else key.as_pem(private=True)
    signing_key = parse_signing_key(content)
    assert signing_key.algorithm == algorithm
    assert signing_key.kid == (key.kid if kind == "jwk" else None)
    assert jws.deserialize_compact(signing_key.sign({"a": 1}, typ="x"), key, registry=REGISTRY)


def test_flags_win_over_the_jwk(rsa_jwk: RSAKey):
    """Algorithm and key id given by hand replace the defaults."""
    signing_key = parse_signing_key(as_json(rsa_jwk), algorithm="RS256", kid="other")
    assert (signing_key.algorithm, signing_key.kid) == ("RS256", "other")


def test_the_algorithm_of_the_jwk_wins_over_the_default(rsa_jwk: RSAKey):
    """A JWK that names its algorithm is used with that one."""
    assert parse_signing_key(as_json(rsa_jwk, alg="RS256")).algorithm == "RS256"


def test_members_that_do_not_concern_signing_are_ignored(client_jwk: ECKey):
    """WebCrypto exports carry a boolean ``ext``."""
    assert parse_signing_key(as_json(client_jwk, ext=True)).kid == "client-1"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"hello", id="neither JWK nor PEM"),
        pytest.param(b"{", id="broken JSON"),
        pytest.param(b"{}", id="no kty"),
        pytest.param(b'{"kty": ["EC"]}', id="kty of the wrong type"),
        pytest.param(b'{"kty": "oct", "k": "c2VjcmV0"}', id="shared secret"),
        pytest.param(b'{"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"}', id="unknown curve"),
        pytest.param(b'{"kty": "RSA", "n": "AQAB", "e": "AQAB"}', id="short RSA JWK"),
        pytest.param(pem(SHORT_RSA_KEY), id="short RSA PEM"),
        pytest.param(pem(ed448.Ed448PrivateKey.generate()), id="curve out of use"),
        pytest.param(
            pem(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"pass")),
            id="encrypted PEM",
        ),
    ],
)
def test_what_is_no_private_key_is_refused(content: bytes):
    """With one typed error and nothing of the key in it."""
    with pytest.raises(ConfigurationError, match="not a usable private"):
        parse_signing_key(content)


def test_a_public_key_cannot_sign(client_jwk: ECKey):
    """A public JWK is noticed when it is read, not at the first request."""
    with pytest.raises(ConfigurationError, match="cannot sign"):
        parse_signing_key(json.dumps(client_jwk.as_dict(private=False)).encode())


def test_a_key_for_other_operations_cannot_sign(client_jwk: ECKey):
    """``key_ops`` is respected."""
    with pytest.raises(ConfigurationError, match="cannot sign"):
        parse_signing_key(as_json(client_jwk, key_ops=["verify"]))


@pytest.mark.parametrize(
    ("changes", "algorithm", "message"),
    [
        ({}, "none", "not one of"),
        ({}, "HS256", "not one of"),
        ({}, "PS256", "does not suit"),
        ({"alg": "ES256"}, "EdDSA", "does not suit"),
        ({"use": "enc"}, "ES256", "does not suit"),
        ({"use": "enc"}, None, "no accepted algorithm"),
    ],
)
def test_an_algorithm_that_does_not_suit_the_key_is_refused(
    client_jwk: ECKey, changes: dict[str, object], algorithm: str | None, message: str
):
    """The list is closed, and a key serves only what it is marked for."""
    with pytest.raises(ConfigurationError, match=message):
        parse_signing_key(as_json(client_jwk, **changes), algorithm=algorithm)


def test_a_curve_without_accepted_algorithm_is_refused():
    """P-384 has no algorithm on the list."""
    with pytest.raises(ConfigurationError, match="no accepted algorithm"):
        parse_signing_key(as_json(ECKey.generate_key("P-384")))


def test_the_key_is_never_printed(signing_key: SigningKey, client_jwk: ECKey):
    """Neither ``repr`` nor ``str`` shows private parts."""
    assert client_jwk.as_dict(private=True)["d"] not in repr(signing_key) + str(signing_key)
