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


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    st.builds(
        lambda value, separators, is_ascii: json.dumps(
            value, separators=separators, ensure_ascii=is_ascii, allow_nan=False
        ),
        _VALUES.filter(lambda value: "inf" not in repr(value).lower()),
        st.sampled_from([(",", ":"), (", ", ": ")]),
        st.booleans(),
    )
)
def test_json_is_read_as_others_read_it_however_it_is_written(text: str):
    """With or without spaces and escapes: what is read is what the standard library reads."""
    try:
        data = text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return
    try:
        read = parse_json(data)
    except MalformedEncodingError:
        assert "\\u" in text  # an escaped half of a surrogate pair, which no other rule refuses
        return
    assert read == json.loads(data)
    assert repr(read) == repr(json.loads(data))


@given(st.dictionaries(st.text(alphabet="abc", min_size=1), st.integers(), min_size=1))
def test_a_member_that_comes_twice_is_refused_however_it_is_written(members: dict[str, int]):
    """Also in the shortest form, the one that is read most."""
    name = next(iter(members))
    once = json.dumps(members, separators=(",", ":"))
    with pytest.raises(MalformedEncodingError):
        parse_json(f'{once[:-1]},"{name}":1}}'.encode())
