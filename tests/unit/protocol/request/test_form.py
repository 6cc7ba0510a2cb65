"""Forms: one reading for every body, or a refusal."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.errors import InvalidRequestError
from ciba_service.protocol.request.form import MAXIMUM_PARAMETERS, parse_form


@pytest.mark.clause("rfc6749-3.2-1", "ciba-10.1-3", "ciba-13-3")
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"scope=a&scope=b", id="repeated"),
        pytest.param(b"scope=a&scope=a", id="repeated-alike"),
        pytest.param(b"scope=a&scope=", id="repeated-without-value"),
        pytest.param(b"scope=a&sc%6fpe=b", id="repeated-in-disguise"),
        pytest.param(b"scope=%ff", id="broken-utf-8"),
        pytest.param(b"scope=%c3", id="half-a-character"),
        pytest.param(b"scope=%ed%a0%80", id="surrogate"),
        pytest.param(b"%ff=a", id="broken-utf-8-in-a-name"),
        pytest.param(b"scope=%", id="lone-percent"),
        pytest.param(b"scope=%4", id="short-escape"),
        pytest.param(b"scope=%zz", id="escape-of-no-digits"),
        pytest.param(b"scope=%u0041", id="escape-of-another-kind"),
        pytest.param("scope=é".encode(), id="not-ascii"),
        pytest.param(b"scope=\x80", id="a-byte-beyond-ascii"),
    ],
)
def test_a_body_of_more_than_one_reading_is_refused(body: bytes):
    """Repeated parameters and broken encodings are refused, not guessed at."""
    with pytest.raises(InvalidRequestError):
        parse_form(body)


def test_too_many_parameters_are_refused():
    """64 parameters are read, 65 are not."""
    names = [f"p{number}" for number in range(MAXIMUM_PARAMETERS)]
    assert len(parse_form(urlencode(dict.fromkeys(names, "x")).encode())) == MAXIMUM_PARAMETERS
    with pytest.raises(InvalidRequestError):
        parse_form(urlencode(dict.fromkeys([*names, "one-more"], "x")).encode())


@pytest.mark.clause("rfc6749-3.2-1")
@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"", {}),
        (b"a=", {}),
        (b"a", {}),
        (b"a=1&", {"a": "1"}),
        (b"&&a=1&&b=2&&", {"a": "1", "b": "2"}),
        (b"a=1&b=2", {"a": "1", "b": "2"}),
        (b"a=b=c", {"a": "b=c"}),
        (b"a=1+2%2B3", {"a": "1 2+3"}),
        (b"a=%C3%BC%E2%82%AC", {"a": "ü€"}),
        (b"a;b=1", {"a;b": "1"}),
    ],
)
def test_a_form_is_read_as_it_was_meant(body: bytes, form: dict[str, str]):
    """Values are decoded once; parameters without a value count as absent."""
    assert parse_form(body) == form


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1),
        st.text(st.characters(codec="utf-8"), min_size=1),
        max_size=10,
    )
)
def test_what_a_client_encodes_is_what_is_read(form: dict[str, str]):
    """Any text survives the encoding."""
    assert parse_form(urlencode(form).encode()) == form


@given(st.binary(max_size=100))
def test_reading_a_body_never_crashes(body: bytes):
    """Any bytes are a form without empty values, or invalid_request."""
    try:
        form = parse_form(body)
    except InvalidRequestError:
        return
    assert all(form.values())
