"""``request_context``: any JSON object of bounded size and depth (FAPI-CIBA 5.3)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.errors import InvalidRequestError
from ciba_service.protocol.request.request_context import RequestContext, parse_request_context

CONTEXT: dict[str, Any] = {
    "geolocation": {"lat": 52.5, "lon": 13.4},
    "device": ["till", "J\u00e4n's", None, True],
}


def nested(levels: int) -> dict[str, Any]:
    """An object of so many levels."""
    value: Any = {}
    for level in range(levels - 1):
        value = [value] if level % 2 and level < levels - 2 else {"a": value}
    return value


@pytest.mark.clause("fapi-ciba-5.3-1", "ciba-7.1-19")
@pytest.mark.parametrize("value", [CONTEXT, json.dumps(CONTEXT)], ids=["object", "text"])
def test_a_context_is_kept_as_it_is(value: Any):
    """Its members are the profile's business; its repr tells nothing."""
    context = parse_request_context(value)
    assert context is not None
    assert json.loads(context.json) == CONTEXT
    assert " " not in context.json
    assert repr(context) == "RequestContext(...)"


def test_a_context_may_be_absent_or_empty():
    """Nobody needs one."""
    assert parse_request_context(None) is None
    assert parse_request_context({}) == RequestContext("{}")


@pytest.mark.parametrize("levels", [1, 2, 8])
def test_a_context_may_be_eight_deep(levels: int):
    """The object itself is the first level."""
    assert parse_request_context(nested(levels))
    assert parse_request_context(json.dumps(nested(levels)))


@pytest.mark.parametrize(
    "value",
    [
        *("", "null", "[]", "5", "{", '{"a": 1, "a": 2}', '{"a": NaN}', "{}" + " " * 4096),
        *(5, [], True, "{" * 5000, {"a": float("inf")}, {"a": float("nan")}),
        *({"a": "x" * 4096}, {"a": ["xx"] * 1000}, {"x" * 4096: 1}),
        *(nested(9), json.dumps(nested(9)), nested(500), {"a": [1, [nested(7)]]}),
    ],
    ids=lambda value: repr(value)[:40],
)
@pytest.mark.clause("fapi-ciba-5.3-1")
def test_a_malformed_context_is_refused(value: Any):
    """No object, too long, too deep, or with numbers that JSON cannot write."""
    with pytest.raises(InvalidRequestError) as refused:
        parse_request_context(value)
    assert (refused.value.status_code, refused.value.error) == (400, "invalid_request")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=20,
    )
)
def test_reading_a_context_never_crashes(value: Any):
    """Any JSON value is a context, nothing, or invalid_request."""
    try:
        context = parse_request_context(value)
    except InvalidRequestError:
        return
    assert context is None or len(context.json) <= 4096
