"""A client's key set behind its ``jwks_uri``: what is accepted, and for how long."""

import json
from base64 import b64decode
from typing import Any

import pytest

from ciba_service.protocol.client.certificates.certificate import ClientCertificate
from ciba_service.protocol.client.key_document import (
    InvalidKeyDocumentError,
    is_jwks_uri,
    lifetime_of,
    parse_key_document,
)
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from tests.unit.protocol.client.certificates.test_registration import jwk, long_jwk
from tests.wire.signing import new_key, public_jwk

KEY = public_jwk(new_key())


def document(*keys: dict[str, Any]) -> bytes:
    """A key set."""
    return json.dumps({"keys": keys}).encode()


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/jwk-set+json",
        "Application/JSON ; charset=utf-8",
    ],
)
def test_a_key_set_is_read(content_type: str):
    """As JSON or as what it is (RFC 7517 8.5.2)."""
    found = parse_key_document(content_type, document(KEY))
    assert len(found.keys) == 1
    assert found.keys.candidates(kid=KEY.get("kid"), alg=SignatureAlgorithm.ES256)
    assert found.certificates.certificates == frozenset()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param(None, document(KEY), id="no type"),
        pytest.param("", document(KEY), id="empty type"),
        pytest.param("text/html", document(KEY), id="another type"),
        pytest.param("application/json, text/html", document(KEY), id="two types"),
        pytest.param("application/json", b"", id="nothing"),
        pytest.param("application/json", b"[]", id="no object"),
        pytest.param("application/json", b"{}", id="no keys"),
        pytest.param("application/json", document(), id="empty"),
        pytest.param("application/json", document(*[KEY] * 33), id="too many"),
        pytest.param("application/json", document(KEY)[:-1], id="cut off"),
        pytest.param("application/json", b'{"keys":[],"keys":[]}', id="twice"),
        pytest.param("application/json", b"\xff", id="no text"),
        pytest.param("application/json", document({**KEY, "d": "AA"}), id="private"),
        pytest.param("application/json", document({"kty": "oct", "k": "AA"}), id="symmetric"),
        pytest.param("application/json", b"[" * 60_000, id="deep"),
    ],
)
def test_everything_else_is_refused(content_type: str | None, body: bytes):
    """Nothing of it is used."""
    with pytest.raises(InvalidKeyDocumentError):
        parse_key_document(content_type, body)


def test_certificates_are_read_with_the_keys():
    """Those in ``x5c`` members prove ``self_signed_tls_client_auth`` clients."""
    key = jwk()
    found = parse_key_document("application/json", document(key))
    registered = ClientCertificate.parse(b64decode(key["x5c"][0]))
    assert found.certificates.certificates == {registered}


def test_a_certificate_needs_no_key_that_signs_something():
    """A client that proves itself by certificates alone publishes no more than those."""
    found = parse_key_document("application/json", document(long_jwk()))
    assert len(found.keys) == 0
    assert len(found.certificates.certificates) == 1
    bare = {name: value for name, value in long_jwk().items() if name != "x5c"}
    with pytest.raises(InvalidKeyDocumentError, match="no signature key"):
        parse_key_document("application/json", document(bare))


def test_a_wrong_certificate_harms_no_key():
    """It proves nobody; the keys count as without it, and so do other certificates."""
    wrong, good = {**KEY, "x5c": ["AAAA"]}, jwk()
    found = parse_key_document("application/json", document(wrong))
    assert len(found.keys) == 1
    assert found.certificates.certificates == frozenset()
    found = parse_key_document("application/json", document(wrong, good))
    assert len(found.keys) == 2
    assert len(found.certificates.certificates) == 1


@pytest.mark.parametrize(
    "other",
    [{"kty": "LATTICE", "pub": "x"}, {**KEY, "alg": "HPKE-0"}, {**KEY, "x": "AA"}],
    ids=["unknown type", "unknown use", "malformed"],
)
def test_a_key_for_others_harms_no_key(other: dict[str, Any]):
    """A client that publishes more than we understand goes on being let in (RFC 7517 5)."""
    assert len(parse_key_document("application/json", document(other, KEY)).keys) == 1


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        (None, 3600),
        ("", 3600),
        ("public", 3600),
        ("max-age=600", 600),
        ("public, MAX-AGE=600 , must-revalidate", 600),
        ('max-age="600"', 600),
        ("max-age=600, max-age=300", 300),
        ("max-age=0", 60),
        ("max-age=59", 60),
        ("max-age=86400", 86_400),
        ("max-age=9999999999", 86_400),
        ("max-age=99999999999999999999", 3600),
        ("max-age=-1", 3600),
        ("max-age=x", 3600),
        ("s-maxage=600", 3600),
        ("no-store", 60),
        ("No-Cache, max-age=600", 60),
    ],
)
def test_the_server_says_for_how_long(cache_control: str | None, seconds: int):
    """Between a minute and a day; an hour without a word that we understand."""
    assert lifetime_of(cache_control) == seconds


@pytest.mark.parametrize(
    ("uri", "may_be"),
    [
        ("https://till.example/jwks", True),
        ("https://till.example:8443/jwks?tenant=7", True),
        ("http://localhost:8080/jwks", False),
        ("http://127.0.0.1/jwks", False),
        ("http://till.example/jwks", False),
        ("https://me@till.example/jwks", False),
        ("https://till.example/jwks#key", False),
        ("till.example/jwks", False),
        ("", False),
    ],
)
def test_a_jwks_uri_is_https(uri: str, *, may_be: bool):
    """Plain http leads nowhere, not even to this machine."""
    assert is_jwks_uri(uri) is may_be
