"""The authentication request as a whole: which rule speaks first (CIBA 7.2)."""

from typing import Any

import pytest

from ciba_service.protocol.errors import (
    InvalidAuthorizationDetailsError,
    InvalidBindingMessageError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    UnauthorizedClientError,
)
from ciba_service.protocol.request.authentication_request import (
    AuthenticationRequest,
    parse_authentication_request,
)
from ciba_service.protocol.request.parameters import ClientNotificationToken, LoginHint
from tests.unit.protocol.registrations import ISSUER, registered, signer
from tests.unit.protocol.test_authorization_details import PAYMENT
from tests.wire_client import WireClient

UNSIGNED = {"scope": "openid", "login_hint": "alice"}
ENDPOINT = {"backchannel_client_notification_endpoint": "https://till.example/ping"}


def unsigning(**metadata: Any) -> WireClient:
    """A client of CIBA Core that registered no request signing algorithm."""
    return signer(backchannel_authentication_request_signing_alg=None, **metadata)


def parsed(client: WireClient, form: dict[str, str]) -> AuthenticationRequest:
    """Parse as the service would."""
    return parse_authentication_request(
        form, client=registered(client), issuer=ISSUER, now=client.now()
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
    assert len(request.payments) == 1
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
    assert parsed(client, {"request": details}).payments
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


WRONG: dict[str, tuple[dict[str, str], type[OAuth2Error]]] = {
    "hint": ({"login_hint": ""}, InvalidRequestError),
    "token": ({"client_notification_token": " "}, InvalidRequestError),
    "expiry": ({"requested_expiry": "0"}, InvalidRequestError),
    "scope": ({"scope": "openid other"}, InvalidScopeError),
    "details": ({"authorization_details": "[]"}, InvalidAuthorizationDetailsError),
    "binding": ({"binding_message": " "}, InvalidBindingMessageError),
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
    assert type(refused.value) is WRONG[first][1]
