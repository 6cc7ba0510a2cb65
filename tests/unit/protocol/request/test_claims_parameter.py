"""``claims``: what is asked for, in both shapes of a request (OpenID Connect Core 5.5)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.errors import (
    InvalidRequestError,
    UnmetAuthenticationRequirementsError,
)
from ciba_service.protocol.request.claims_parameter import (
    ClaimsRequest,
    RequestedClaim,
    parse_claims,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
EXAMPLE: dict[str, Any] = {
    "userinfo": {
        "given_name": {"essential": True},
        "nickname": None,
        "http://example.info/claims/groups": None,
    },
    "id_token": {
        "auth_time": {"essential": True},
        "acr": {"values": ["urn:mace:incommon:iap:silver"]},
        "verified_claims": {"verification": {"trust_framework": None}, "claims": {}},
    },
    "other": 5,
}


@pytest.mark.clause("ciba-7.1-19")
@pytest.mark.parametrize("value", [EXAMPLE, json.dumps(EXAMPLE)], ids=["object", "text"])
def test_claims_are_read_in_both_shapes(value: Any):
    """An object in a request object, its text in a form; what is not known is passed over."""
    assert parse_claims(value) == ClaimsRequest(
        id_token=(
            RequestedClaim("auth_time", essential=True),
            RequestedClaim("acr", values=("urn:mace:incommon:iap:silver",)),
        ),
        userinfo=(RequestedClaim("given_name", essential=True), RequestedClaim("nickname")),
    )


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        "{}",
        {"id_token": None, "userinfo": {}},
        {"id_token": {"unknown": 5, "verified_claims": [[]]}},
    ],
)
def test_nothing_known_may_be_asked_for(value: Any):
    """Claims that are unknown are ignored whatever stands with them."""
    assert parse_claims(value) == ClaimsRequest()


@pytest.mark.parametrize(
    "value",
    [
        *("", "null", "[]", "5", "{", '{"id_token": {}, "id_token": {}}', "{}" + " " * 8192),
        *(5, [], True, {"id_token": []}, {"userinfo": "email"}, {"id_token": False}),
        *({"id_token": {"acr": wrong}} for wrong in ("sca", True, [], ["sca"], 5)),
        *({"id_token": {"acr": {"essential": wrong}}} for wrong in ("true", 1, None)),
        *({"id_token": {"acr": {"values": wrong}}} for wrong in ("sca", {}, None, [None], [5])),
        *({"id_token": {"sub": {"value": wrong}}} for wrong in (True, 5, [], "", "a" * 256)),
        {"id_token": {"acr": {"values": ["a"] * 17}}},
        {"userinfo": {"updated_at": {"value": 2**53 + 1}}},
        {"userinfo": {"updated_at": {"value": 10**400}}},
        {"userinfo": {"updated_at": {"value": float("inf")}}},
        {"userinfo": {"address": {"value": {"country": "DE"}}}},
    ],
    ids=lambda value: repr(value)[:50],
)
def test_malformed_claims_are_refused(value: Any):
    """Of a claim that is known, everything has its type and its bounds."""
    with pytest.raises(InvalidRequestError):
        parse_claims(value)


@given(JSON)
def test_reading_claims_never_crashes(value: Any):
    """Any JSON value is a request for claims, or invalid_request."""
    for place in (value, {"id_token": value}, {"userinfo": {"email": value, "acr": value}}):
        try:
            parsed = parse_claims(place)
        except InvalidRequestError:
            continue
        assert isinstance(parsed, ClaimsRequest)


def acr(**wish: Any) -> ClaimsRequest:
    """A request for acr in the ID token."""
    return parse_claims({"id_token": {"acr": wish}})


def test_an_essential_acr_with_values_is_required():
    """One of them must be reached (5.5.1.1)."""
    claims = acr(essential=True, values=["a", "b"])
    assert (claims.required_acr, claims.preferred_acr) == (("a", "b"), ())
    claims.verify_acr("b")
    with pytest.raises(UnmetAuthenticationRequirementsError) as refused:
        claims.verify_acr("c")
    assert (refused.value.status_code, refused.value.error) == (
        400,
        "unmet_authentication_requirements",
    )


def test_any_other_acr_is_a_wish():
    """Voluntary values are preferences; essential without values is always there."""
    assert acr(values=["a", "b"]).preferred_acr == ("a", "b")
    assert acr(value="a").preferred_acr == ("a",)
    assert acr(value="a", essential=True).required_acr == ("a",)
    in_userinfo = parse_claims({"userinfo": {"acr": {"essential": True, "value": "a"}}})
    for claims in (acr(values=["a"]), acr(essential=True), in_userinfo, ClaimsRequest()):
        assert claims.required_acr == ()
        claims.verify_acr("c")


@pytest.mark.parametrize("essential", [True, False])
def test_a_sub_with_a_value_names_who_the_user_must_be(*, essential: bool):
    """That holds whether or not the claim is essential (5.5.1)."""
    wish = {"essential": essential, "value": "alice"}
    assert parse_claims({"id_token": {"sub": wish}}).subjects == ("alice",)
    assert parse_claims({"id_token": {"sub": None}}).subjects == ()


def test_values_of_other_claims_are_kept():
    """A number or a boolean may be asked for, too."""
    claims = parse_claims(
        {"userinfo": {"email_verified": {"value": True}, "updated_at": {"values": [1, 2]}}}
    )
    assert [claim.values for claim in claims.userinfo] == [(True,), (1, 2)]
