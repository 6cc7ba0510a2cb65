"""The authentication request as a whole: which rule speaks first (CIBA 7.2)."""

import json
from typing import Any

import pytest

from ciba_service.protocol.errors import (
    HintCountError,
    InvalidAuthorizationDetailsError,
    InvalidBindingMessageError,
    InvalidParameterError,
    InvalidRequestError,
    InvalidScopeError,
    InvalidTargetError,
    OAuth2Error,
    UnauthorizedClientError,
)
from ciba_service.protocol.request.authentication_request import (
    AuthenticationRequest,
    parse_authentication_request,
)
from ciba_service.protocol.request.claims_parameter import ClaimsRequest
from ciba_service.protocol.request.hints import IdTokenHint, LoginHint, LoginHintToken
from ciba_service.protocol.request.parameters import ClientNotificationToken
from ciba_service.protocol.request.request_context import RequestContext
from ciba_service.protocol.request.user_code import UserCode
from tests.unit.protocol.registrations import ISSUER, registered, signer
from tests.unit.protocol.request.test_authorization_details import PAYMENT
from tests.wire.client import WireClient
from tests.wire.signing import unsecured

UNSIGNED = {"scope": "openid", "login_hint": "alice"}
ACCOUNTS, PAYMENTS = "https://bank.example/accounts", "https://bank.example/payments"
ENDPOINT = {"backchannel_client_notification_endpoint": "https://till.example/ping"}


def unsigning(**metadata: Any) -> WireClient:
    """A client of CIBA Core that registered no request signing algorithm."""
    return signer(backchannel_authentication_request_signing_alg=None, **metadata)


def parsed(client: WireClient, form: dict[str, str]) -> AuthenticationRequest:
    """Parse as the service would."""
    return parse_authentication_request(
        form,
        client=registered(client),
        issuer=ISSUER,
        now=client.now(),
        resources=frozenset({ACCOUNTS, PAYMENTS}),
    )


def test_an_unsigned_request_of_a_core_client_is_read():
    """A client that registered no signing algorithm sends a form; nothing is to be replayed."""
    request = parsed(unsigning(), {**UNSIGNED, "requested_expiry": "60", "unknown": "x"})
    assert request.hint == LoginHint("alice")
    assert request.scope == ("openid",)
    assert request.requested_expiry == 60
    assert request.replay is None
    assert request.binding_message is None
    assert request.client_notification_token is None
    assert request.user_code is None
    assert request.claims == ClaimsRequest()
    assert request.resources == ()
    assert request.request_context is None


HINT_TOKENS = ("login_hint_token", "id_token_hint")
EXTENSIONS: dict[str, Any] = {
    "user_code": "4711",
    "claims": {"id_token": {"acr": {"essential": True, "value": "c"}}},
    "request_context": {"place": "till"},
    "resource": ACCOUNTS,
}


@pytest.mark.clause("ciba-7.1-19", "fapi-ciba-5.3-1")
@pytest.mark.parametrize("is_signed", [True, False], ids=["signed", "form"])
def test_extensions_are_read_from_both_shapes(*, is_signed: bool):
    """As JSON values in a request object, as JSON text in a form."""
    if is_signed:
        client = signer()
        form = {"request": client.request_object(**EXTENSIONS)}
    else:
        client = unsigning()
        texts = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in EXTENSIONS.items()
        }
        form = {**UNSIGNED, **texts}
    request = parsed(client, form)
    assert request.user_code == UserCode("4711")
    assert request.claims.required_acr == ("c",)
    assert request.request_context == RequestContext('{"place":"till"}')
    assert request.resources == (ACCOUNTS,)


def test_several_resources_come_in_an_array():
    """A request object may name more than one."""
    client = signer()
    request = parsed(client, {"request": client.request_object(resource=[PAYMENTS, ACCOUNTS])})
    assert request.resources == (PAYMENTS, ACCOUNTS)


@pytest.mark.parametrize(
    ("name", "kind"), [("login_hint_token", LoginHintToken), ("id_token_hint", IdTokenHint)]
)
def test_any_kind_of_hint_is_carried(name: str, kind: type[LoginHintToken | IdTokenHint]):
    """Whom it names, and whether that is proven, is found out later."""
    client = signer()
    hint = unsecured({"sub": "alice"})
    request = parsed(client, {"request": client.request_object(login_hint=None, **{name: hint})})
    assert isinstance(request.hint, kind)


@pytest.mark.parametrize(
    ("acr_values", "wish", "expected"),
    [
        ("a b", None, ("a", "b")),
        ("a b", {"values": ["c"]}, ("a", "b", "c")),
        ("a b", {"values": ["c"], "essential": True}, ("c",)),
        (None, {"value": "c"}, ("c",)),
        (None, None, ()),
    ],
)
def test_a_required_acr_counts_before_wishes(
    acr_values: str | None, wish: Any, expected: tuple[str, ...]
):
    """Only where none is required do acr_values and voluntary values count."""
    client = signer()
    claims = {"id_token": {"acr": wish}}
    signed = client.request_object(acr_values=acr_values, claims=claims)
    assert parsed(client, {"request": signed}).wished_acr == expected


@pytest.mark.parametrize("value", [5, True, 1.5, [], ["a"], {"a": "b"}])
@pytest.mark.parametrize(
    "name",
    [
        *("login_hint", "login_hint_token", "id_token_hint", "user_code", "binding_message"),
        *("scope", "acr_values", "client_notification_token"),
    ],
)
@pytest.mark.clause("ciba-7.1.1-12")
def test_every_core_parameter_of_a_signed_request_is_a_string(name: str, value: Any):
    """Only extensions may be of other JSON types."""
    client = signer()
    hint = {"login_hint": None} if name in HINT_TOKENS else {}
    with pytest.raises(InvalidRequestError) as refused:
        parsed(client, {"request": client.request_object(**{**hint, name: value})})
    assert str(refused.value.__cause__) == f"{name} is not a string"


@pytest.mark.parametrize(
    "name",
    [
        *("scope", "login_hint", "login_hint_token", "id_token_hint", "user_code", "acr_values"),
        *("binding_message", "client_notification_token", "claims", "request_context", "resource"),
    ],
)
def test_every_parameter_of_a_signed_request_is_bounded(name: str):
    """What is sent without end is refused, whatever it is."""
    client = signer()
    hint = {"login_hint": None} if name in HINT_TOKENS else {}
    endless = client.request_object(**{**hint, name: " ".join(["openid"] * 5000)})
    with pytest.raises(OAuth2Error) as refused:
        parsed(client, {"request": endless})
    assert refused.value.status_code == 400


def test_a_signed_request_is_read():
    """All of it comes from the claims, and its jti is to be spent."""
    client = signer()
    request = parsed(
        client,
        {
            "request": client.request_object(
                acr_values="a b", requested_expiry="60", authorization_details=[PAYMENT]
            )
        },
    )
    assert request.binding_message == "W4SCT"
    assert request.acr_values == ("a", "b")
    assert request.requested_expiry == 60
    assert request.details.payment is not None
    assert request.replay is not None


@pytest.mark.clause("fapi-ciba-5.2.2-6", "fapi-ciba-5.2.3-1", "fapi1-p2-5.2.2-1")
@pytest.mark.parametrize("profile", ["fapi-ciba", "fapi2-ciba", "ciba-core"])
def test_an_unsigned_request_is_refused_where_signing_is_demanded(profile: str):
    """FAPI demands it of all clients, CIBA Core of those that registered an algorithm."""
    with pytest.raises(InvalidRequestError):
        parsed(signer(profile=profile), {**UNSIGNED, "binding_message": "1234"})


@pytest.mark.clause("fapi-ciba-5.2.2-2", "fapi-ciba-5.2.3-2")
@pytest.mark.parametrize("profile", ["fapi-ciba", "fapi2-ciba"])
def test_fapi_demands_a_binding_message_or_a_context_of_its_own(profile: str):
    """authorization_details are such a context; CIBA Core demands neither."""
    client = signer(profile=profile)
    with pytest.raises(InvalidRequestError):
        parsed(client, {"request": client.request_object(binding_message=None)})
    details = client.request_object(binding_message=None, authorization_details=[PAYMENT])
    assert parsed(client, {"request": details}).details.payment
    core = signer()
    assert parsed(core, {"request": core.request_object(binding_message=None)})


@pytest.mark.clause("ciba-7.1-5")
@pytest.mark.parametrize("mode", ["ping", "push"])
def test_a_ping_or_push_client_sends_a_notification_token(mode: str):
    """Without it nothing could be called back."""
    client = unsigning(**ENDPOINT, backchannel_token_delivery_mode=mode)
    with pytest.raises(InvalidRequestError):
        parsed(client, UNSIGNED)
    request = parsed(client, {**UNSIGNED, "client_notification_token": "token"})
    assert request.client_notification_token == ClientNotificationToken("token")


@pytest.mark.clause("ciba-13-7")
def test_a_client_without_the_grant_may_not_use_ciba():
    """That is told before anything about the request itself."""
    client = unsigning(**ENDPOINT, backchannel_token_delivery_mode="push", grant_types=[])
    with pytest.raises(UnauthorizedClientError) as refused:
        parsed(client, {})
    assert (refused.value.status_code, refused.value.error) == (400, "unauthorized_client")


WRONG: dict[str, tuple[dict[str, str], OAuth2Error]] = {
    "hint": ({"login_hint": ""}, HintCountError()),
    "token": (
        {"client_notification_token": " "},
        InvalidParameterError("client_notification_token"),
    ),
    "expiry": ({"requested_expiry": "0"}, InvalidParameterError("requested_expiry")),
    "acr": ({"acr_values": "a" * 1025}, InvalidParameterError("acr_values")),
    "code": ({"user_code": "\x00"}, InvalidParameterError("user_code")),
    "claims": ({"claims": "[]"}, InvalidParameterError("claims")),
    "context": ({"request_context": "[]"}, InvalidParameterError("request_context")),
    "scope": ({"scope": "openid other"}, InvalidScopeError()),
    "details": ({"authorization_details": "[]"}, InvalidAuthorizationDetailsError()),
    "resource": ({"resource": "https://other.example"}, InvalidTargetError()),
    "binding": ({"binding_message": " "}, InvalidBindingMessageError()),
}


@pytest.mark.parametrize("first", WRONG)
@pytest.mark.clause("ciba-7.2-6")
def test_errors_are_told_in_one_order(first: str):
    """Of several mistakes the earliest in the order is told."""
    order = [*WRONG]
    form = dict(UNSIGNED)
    for name in order[order.index(first) :]:
        form |= WRONG[name][0]
    form = {name: value for name, value in form.items() if value}
    with pytest.raises(OAuth2Error) as refused:
        parsed(unsigning(), form)
    told, expected = refused.value, WRONG[first][1]
    assert (type(told), told.description) == (type(expected), expected.description)
