"""Single parameters: hints, scope, notification token, expiry, acr_values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.errors import InvalidRequestError, InvalidScopeError
from ciba_service.protocol.request.hints import Hint, IdTokenHint, LoginHint, LoginHintToken
from ciba_service.protocol.request.parameters import (
    ClientNotificationToken,
    Parameters,
    parse_acr_values,
    parse_hint,
    parse_notification_token,
    parse_requested_expiry,
    parse_scope,
)
from tests.wire.signing import new_key, segment, sign, unsecured

HINT_TOKENS = ("login_hint_token", "id_token_hint")
TEXT_PARAMETERS = ("scope", "login_hint", "client_notification_token", "acr_values")


@pytest.mark.clause("ciba-7.1.1-12")
@pytest.mark.parametrize("value", [5, True, [], ["openid"], {"openid": True}, 1.5])
@pytest.mark.parametrize("name", TEXT_PARAMETERS)
def test_a_core_parameter_is_a_string(name: str, value: Any):
    """Other JSON types are refused for core parameters."""
    parameters = Parameters({"scope": "openid", "login_hint": "alice", name: value})
    with pytest.raises(InvalidRequestError):
        _parse_all(parameters)


def _parse_all(parameters: Parameters) -> None:
    parse_scope(parameters, frozenset({"openid"}))
    parse_hint(parameters)
    parse_notification_token(parameters)
    parse_acr_values(parameters)


@pytest.mark.clause("ciba-7.1-11", "ciba-7.2-3")
@pytest.mark.parametrize(
    "members",
    [
        {},
        {"login_hint": None},
        {"login_hint": "a", "login_hint_token": "b"},
        {"login_hint": "a", "id_token_hint": "b"},
        {"login_hint_token": "a", "id_token_hint": "b"},
        {"login_hint": "a", "login_hint_token": "b", "id_token_hint": "c"},
        {"login_hint": "a", "login_hint_token": ""},
    ],
    ids=lambda members: "+".join(members) or "none",
)
def test_none_or_several_hints_are_refused(members: dict[str, str]):
    """Exactly one hint names the user."""
    with pytest.raises(InvalidRequestError):
        parse_hint(Parameters(members))


@pytest.mark.parametrize(
    "members",
    [
        *({"login_hint": hint} for hint in ("", "a" * 256, "a\nb", "a\x00", "a\u200bb", "\u2028")),
        *({name: "a"} for name in HINT_TOKENS),
        *({name: "a.b.c"} for name in HINT_TOKENS),
        *({name: ".".join("a" * 5)} for name in HINT_TOKENS),
        *({name: unsecured({"sub": "a" * 8192})} for name in HINT_TOKENS),
        *({name: sign({"alg": "ES256"}, b"[]", new_key())} for name in HINT_TOKENS),
        *({name: f"{segment({'alg': 'ES256', 'crit': ['x']})}.e30.AA"} for name in HINT_TOKENS),
    ],
    ids=lambda members: repr(members)[:40],
)
def test_a_malformed_hint_is_refused(members: dict[str, str]):
    """A login_hint has 1 to 255 characters and no controls; a token is a JWS of bounded size."""
    with pytest.raises(InvalidRequestError):
        parse_hint(Parameters(members))


@pytest.mark.parametrize(
    ("name", "kind"), [("login_hint_token", LoginHintToken), ("id_token_hint", IdTokenHint)]
)
def test_a_hint_token_is_taken_apart_and_never_shown(name: str, kind: type[Hint]):
    """Whether it proves anything is not known yet; its repr tells nothing of it."""
    hint = parse_hint(Parameters({name: unsecured({"sub": "alice"})}))
    assert isinstance(hint, kind)
    assert not isinstance(hint, LoginHint)
    assert hint.claims.text("sub") == "alice"
    assert repr(hint) == f"{kind.__name__}()"


def test_a_login_hint_is_taken_as_it_is():
    """No case is folded, nothing is trimmed."""
    assert parse_hint(Parameters({"login_hint": " Alice@example.org"})) == LoginHint(
        " Alice@example.org"
    )
    assert parse_hint(Parameters({"login_hint": "a" * 255}))


@pytest.mark.clause("ciba-7.1-4")
def test_a_missing_scope_is_an_invalid_request():
    """Scope is required."""
    with pytest.raises(InvalidRequestError):
        parse_scope(Parameters({}), frozenset({"openid"}))


@pytest.mark.clause("ciba-13-4", "rfc10027-6.1.9-1")
@pytest.mark.parametrize(
    "scope",
    [
        pytest.param("profile", marks=pytest.mark.clause("ciba-7.1-4"), id="no-openid"),
        pytest.param("openid payments", id="not-registered"),
        pytest.param("openid unknown", id="unknown"),
        pytest.param("openid  profile", id="two-spaces"),
        pytest.param(" openid", id="leading-space"),
        pytest.param("openid ", id="trailing-space"),
        pytest.param("openid\tprofile", id="tab"),
        pytest.param('openid "profile"', id="quotes"),
        pytest.param("openid pröfile", id="not-ascii"),
        pytest.param("OPENID", id="other-case"),
        pytest.param("", id="empty"),
        pytest.param("openid" + " openid" * 300, id="too-long"),
    ],
)
def test_a_scope_that_is_malformed_or_not_allowed_is_refused(scope: str):
    """Each token is well-formed and registered, and openid is among them."""
    with pytest.raises(InvalidScopeError) as refused:
        parse_scope(Parameters({"scope": scope}), frozenset({"openid", "profile"}))
    assert (refused.value.status_code, refused.value.error) == (400, "invalid_scope")


def test_scope_keeps_its_order_and_says_everything_once():
    """The order is the client's."""
    allowed = frozenset({"openid", "profile", "email"})
    parameters = Parameters({"scope": "profile openid profile"})
    assert parse_scope(parameters, allowed) == ("profile", "openid")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("a" * 1025, marks=pytest.mark.clause("ciba-7.1-6"), id="1025-characters"),
        *(
            pytest.param(token, marks=pytest.mark.clause("ciba-7.1-7"), id=repr(token))
            for token in ("a b", "a,b", "ä", "=", "a=b", "a\n", 'a"', "a\x00")
        ),
    ],
)
def test_a_notification_token_of_another_shape_is_refused(token: str):
    """It has the bearer syntax of RFC 6750 2.1 and at most 1024 characters."""
    with pytest.raises(InvalidRequestError):
        parse_notification_token(Parameters({"client_notification_token": token}))


@pytest.mark.parametrize("token", ["a", "A-Za-z0-9-._~+/==", "a" * 1022 + "=="])
def test_a_notification_token_is_kept_and_masked(token: str):
    """Every bearer token of up to 1024 characters is taken, and never shown."""
    parsed = parse_notification_token(Parameters({"client_notification_token": token}))
    assert parsed == ClientNotificationToken(token)
    assert repr(parsed) == "ClientNotificationToken(...)"


def test_a_notification_token_may_be_absent():
    """A poll client needs none."""
    assert parse_notification_token(Parameters({})) is None


@pytest.mark.clause("ciba-7.1.1-11", "ciba-7.1-17")
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        (1, 1),
        (300, 300),
        ("300", 300),
        ("0300", 300),
        (300.0, 300),
        (10**400, 10**400),
        (str(10**400), 10**400),
    ],
    ids=str,
)
def test_a_requested_expiry_is_a_number_or_a_string_of_digits(value: Any, seconds: int | None):
    """Both forms are read; how much of it is granted is another rule."""
    assert parse_requested_expiry(Parameters({"requested_expiry": value})) == seconds


@pytest.mark.clause("ciba-7.1-17")
@pytest.mark.parametrize(
    "value",
    [
        *(0, "0", -1, "-1", 1.5, "1.5", True, False, "", " 5", "5 ", "+5", "5s", "0x10"),
        *("\u0663", "1e3", "9" * 5000, float("inf"), [], [5], {}, "abc"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_requested_expiry_that_is_no_positive_integer_is_refused(value: Any):
    """Zero, negatives, fractions, booleans and other texts are refused."""
    with pytest.raises(InvalidRequestError):
        parse_requested_expiry(Parameters({"requested_expiry": value}))


@given(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())
)
def test_reading_a_requested_expiry_never_crashes(value: Any):
    """Any JSON value is a positive integer, nothing, or invalid_request."""
    try:
        seconds = parse_requested_expiry(Parameters({"requested_expiry": value}))
    except InvalidRequestError:
        return
    assert seconds is None or seconds > 0


@pytest.mark.clause("ciba-7.1-10")
def test_acr_values_keep_their_order_of_preference():
    """Each value counts once, in the order the client gave."""
    assert parse_acr_values(Parameters({"acr_values": "b a  b"})) == ("b", "a")
    assert parse_acr_values(Parameters({})) == ()
    assert len(parse_acr_values(Parameters({"acr_values": "a" * 1024}))) == 1


def test_acr_values_are_bounded():
    """More than 1024 characters are not read."""
    with pytest.raises(InvalidRequestError):
        parse_acr_values(Parameters({"acr_values": "a " * 513}))
