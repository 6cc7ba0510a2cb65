"""Strict base64url and JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.jose.encoding import (
    MalformedEncodingError,
    base64url,
    parse_base64url,
    parse_json,
    parse_json_object,
)


@given(st.binary(max_size=200))
def test_every_byte_string_survives_its_encoding(data: bytes):
    """What was encoded is decoded to the same bytes, without any padding."""
    text = base64url(data)
    assert "=" not in text
    assert parse_base64url(text) == data


@pytest.mark.parametrize(
    "text", ["AA==", "AB", "AAB", "A", "A A", "AA\n", "A+A", "A/A", "é", "*", "AA.A"]
)
def test_anything_but_unpadded_base64url_is_refused(text: str):
    """Padding, white space, other alphabets, left-over bits and odd lengths are refused."""
    with pytest.raises(MalformedEncodingError):
        parse_base64url(text)


@pytest.mark.clause("rfc8725-3.7-1")
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"a": 1, "a": 1}', id="repeated-member"),
        pytest.param(b'{"a": {"b": 1, "b": 2}}', id="repeated-inner-member"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": -Infinity}', id="Infinity"),
        pytest.param(b'{"a": "\xff"}', id="not-utf-8"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="utf-16"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', id="byte-order-mark"),
        pytest.param(rb'{"a": "\ud800"}', id="half-a-surrogate-pair"),
        pytest.param(rb'{"\udc00b": 1}', id="half-a-surrogate-pair-in-a-name"),
        pytest.param(b"[" * 100_000, id="bottomless"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", id="endless-number"),
        pytest.param(b'{"a": 1e400}', id="infinite-number"),
        pytest.param(b"[" * 33 + b"]" * 33, id="too-deep"),
        pytest.param(b'{"a":' * 33 + b"1" + b"}" * 33, id="objects-too-deep"),
        pytest.param(b'{"a": 1} {', id="more-behind"),
        pytest.param(b'{"a": "\x00"}', id="raw-control"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_json_that_readers_disagree_about_is_refused(data: bytes):
    """Whatever two parsers might read differently, or one not at all, is refused."""
    with pytest.raises(MalformedEncodingError):
        parse_json(data)


@pytest.mark.parametrize("data", [b"[" * 32 + b"1" + b"]" * 32, b'"' + b"[{" * 40 + b'"'])
def test_what_is_not_too_deep_may_be_long(data: bytes):
    """Thirty-two levels are read, and brackets in a text are none."""
    assert parse_json(data) == json.loads(data)


@pytest.mark.parametrize("data", [b"[]", b'"a"', b"1", b"null"])
def test_only_an_object_is_an_object(data: bytes):
    """Other JSON values are no claims set and no header."""
    with pytest.raises(MalformedEncodingError):
        parse_json_object(data)


def test_escaped_characters_are_read():
    """A whole surrogate pair is one character."""
    assert parse_json_object(rb'{"a": "\ud83d\ude00\u0041"}') == {"a": "\U0001f600A"}


@given(st.binary(max_size=60))
def test_parsing_json_never_crashes(data: bytes):
    """Any bytes are an object or one kind of refusal."""
    try:
        members = parse_json_object(data)
    except MalformedEncodingError:
        return
    assert isinstance(members, dict)
