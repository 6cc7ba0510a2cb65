"""JWE between phones and the service: one algorithm, one type, one kind of refusal."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey

from ciba_service.protocol.jose.encoding import base64url, parse_base64url
from ciba_service.protocol.jose.encryption import (
    DecryptionKey,
    InvalidJweError,
    decrypt,
    encrypt_to,
)

TYP = "test+jwe"
KEY = ECKey.generate_key("P-256", private=True)
GOOD = encrypt_to(KEY, b"secret", typ=TYP, kid="key-1")
HEADER = json.loads(parse_base64url(GOOD.split(".", maxsplit=1)[0]))


def _with_header(**changed: Any) -> str:
    members = {**HEADER, **changed}
    present = {name: value for name, value in members.items() if value is not None}
    return ".".join((base64url(json.dumps(present).encode()), *GOOD.split(".")[1:]))


def test_what_was_encrypted_is_opened_with_the_private_key():
    """The named key opens it, shows its public half, and nothing else of itself."""
    key = DecryptionKey("key-1", KEY)
    named = encrypt_to(KEY, b"secret", typ=TYP, kid="key-1")
    assert key.open(GOOD, TYP) == key.open(named, TYP) == b"secret"
    assert key.public_jwk == {**KEY.as_dict(private=False), "kid": "key-1"} | key.public_jwk
    assert set(key.public_jwk) == {"kty", "crv", "x", "y", "kid"}
    assert repr(key) == "DecryptionKey('key-1')"


def test_a_key_opens_what_was_encrypted_to_others_of_its_name():
    """Whoever does not know of the change yet names the key that was, and is understood."""
    other = ECKey.generate_key("P-256", private=True)
    key = DecryptionKey("key-2", KEY, {"key-1": other})
    assert key.public_jwk["kid"] == "key-2"
    assert key.open(encrypt_to(other, b"before", typ=TYP, kid="key-1"), TYP) == b"before"
    for kid in ("key-2", "key-3", None):
        assert key.open(encrypt_to(KEY, b"now", typ=TYP, kid=kid), TYP) == b"now"
    for kid in ("key-2", "key-3", None):
        with pytest.raises(InvalidJweError):
            key.open(encrypt_to(other, b"before", typ=TYP, kid=kid), TYP)


def test_every_encryption_is_fresh():
    """Two encryptions of one text have nothing in common but their shape, and need no kid."""
    first, second = (encrypt_to(KEY, b"secret", typ=TYP) for _ in range(2))
    assert first != second
    assert decrypt(first, KEY, TYP) == decrypt(second, KEY, TYP) == b"secret"
    header = json.loads(parse_base64url(first.split(".", maxsplit=1)[0]))
    assert set(header) == {"alg", "enc", "typ", "epk"}


@pytest.mark.clause("fapi-ciba-7.10.1-1", "rfc8725-3.6-1")
@pytest.mark.parametrize(
    "changed",
    [
        {"alg": "RSA1_5"},
        {"alg": "dir"},
        {"alg": 5},
        {"alg": None},
        {"enc": "A128GCM"},
        {"enc": []},
        {"zip": "DEF"},
        {"zip": "none"},
        {"crit": ["exp"]},
        {"crit": 5},
        {"typ": None},
        {"typ": "other+jwe"},
        {"typ": 5},
        {"epk": None},
        {"epk": 5},
        {"epk": "key"},
        {"epk": {}},
        {"epk": {**HEADER["epk"], "y": HEADER["epk"]["x"]}},
        {"epk": ECKey.generate_key("P-384").as_dict(private=False)},
        {"epk": OKPKey.generate_key("X25519").as_dict(private=False)},
        {"apu": "é"},
    ],
    ids=lambda changed: json.dumps(changed)[:24],
)
def test_another_header_is_refused(changed: dict[str, Any]):
    """Another algorithm, compression, type or ephemeral key is refused in one way."""
    with pytest.raises(InvalidJweError):
        decrypt(_with_header(**changed), KEY, TYP)


@pytest.mark.parametrize("typ", [None, "other+jwe"])
def test_an_object_typed_for_another_use_is_refused(typ: str | None):
    """A rightly encrypted object of another type, or of none, is refused."""
    with pytest.raises(InvalidJweError, match="typ"):
        decrypt(encrypt_to(KEY, b"secret", typ=typ or ""), KEY, TYP)


@pytest.mark.parametrize(
    "token", ["", ".", "....", "a.b.c.d.e", "é....", "W10....", "bnVsbA....", "a.b.c.d.e.f"]
)
def test_what_is_no_jwe_is_refused(token: str):
    """Any other text is refused in one way."""
    with pytest.raises(InvalidJweError):
        decrypt(token, KEY, TYP)


@given(position=st.integers(0, len(GOOD) - 1), character=st.characters())
def test_a_changed_character_never_gives_another_text(position: int, character: str):
    """A mangled object is refused, or still says what it said."""
    try:
        opened = decrypt(GOOD[:position] + character + GOOD[position + 1 :], KEY, TYP)
    except InvalidJweError:
        return
    assert opened == b"secret"


def test_a_long_object_is_not_even_tried():
    """More than 4096 characters are refused before any cryptography."""
    with pytest.raises(InvalidJweError, match="long"):
        decrypt(encrypt_to(KEY, bytes(4096), typ=TYP), KEY, TYP)


def test_another_key_does_not_open_it():
    """Only the addressee reads it."""
    with pytest.raises(InvalidJweError):
        decrypt(GOOD, ECKey.generate_key("P-256", private=True), TYP)
