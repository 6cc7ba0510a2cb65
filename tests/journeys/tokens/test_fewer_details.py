"""A token request may ask for fewer details than were granted, and for no others (RFC 9396 6)."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import CIBA, WireClient
from tests.wire.dpop import WireDpop
from tests.wire.phone import WirePhone
from tests.wire.resource import FAPI2, PAYMENT, Holder, refusal, token_request
from tests.wire.signing import claims_of, new_key
from tests.wire.tokens import API, REFRESHING, granted, introspect, refresh, resource_server

LISTING: dict[str, Any] = {"type": "account_information", "actions": ["list_accounts"]}
BALANCES: dict[str, Any] = {"type": "account_information", "actions": ["read_balances"]}
CONSENT: dict[str, Any] = {"type": "consent", "to": "statistics"}
CONSENT_TYPE = {
    "type": "consent",
    "title": "Consent",
    "schema": {"properties": {"type": {}, "to": {"type": "string"}}},
    "display": [{"member": "to", "label": "To"}],
}
TYPES = ["payment_initiation", "account_information", "consent"]
NOT_GRANTED = [
    pytest.param(json.dumps([LISTING, {**BALANCES, "actions": ["read_transactions"]}]), id="other"),
    pytest.param(json.dumps([{**LISTING, "accounts": []}]), id="a-member-more"),
    pytest.param(json.dumps([CONSENT, PAYMENT]), id="a-payment-more"),
    pytest.param("[]", id="none"),
    pytest.param("[{", id="broken"),
    pytest.param('[{"type":"\\ud800"}]', id="half-a-character"),
    pytest.param(json.dumps(LISTING), id="object"),
    pytest.param("[" * 7000, id="deep"),
]


@pytest.fixture(scope="module")
def advisor() -> WireClient:
    """A client of all types, whose tokens are bound to nothing."""
    registered = {**REFRESHING, "scope": "openid accounts", "authorization_details_types": TYPES}
    return WireClient("advisor", key=new_key(kid="advisor"), metadata=registered)


@pytest.fixture(scope="module")
def shop() -> WireClient:
    """A FAPI client of all types."""
    return WireClient("shop", metadata={**FAPI2, "authorization_details_types": TYPES})


@pytest.fixture(scope="module")
def api() -> WireClient:
    """The resource server the tokens are for."""
    return resource_server()


@pytest.fixture
async def bank(
    run_service: ServiceRunner, advisor: WireClient, shop: WireClient, api: WireClient
) -> AsyncIterator[RunningService]:
    """A service with them, and with a type of its operator."""
    sections: dict[str, Any] = {
        "tokens": {"audience": API},
        "authorization_details_types": [CONSENT_TYPE],
    }
    async with run_service(clients=[advisor, shop, api], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


async def assert_states(api: WireClient, answer: httpx2.Response, *details: object) -> None:
    """Hold what a token is good for: in the answer, in itself and for whoever asks about it."""
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    assert tokens["authorization_details"] == list(details)
    assert claims_of(tokens["access_token"])["authorization_details"] == list(details)
    told = (await introspect(api, tokens["access_token"])).json()
    assert told["authorization_details"] == list(details)


@pytest.mark.clause("rfc9396-7-1", "rfc9396-9-1", "rfc9396-9.2-1")
async def test_tokens_may_be_of_fewer_details(
    advisor: WireClient, alice: WirePhone, api: WireClient
):
    """At the first token request and at each refresh, which leave the grant as it was."""
    auth_req_id = await advisor.started(authorization_details=[LISTING, BALANCES, CONSENT])
    await alice.approve_next()
    fewer = json.dumps([CONSENT, dict(reversed(LISTING.items()))])
    first = await advisor.poll(auth_req_id, authorization_details=fewer)
    await assert_states(api, first, LISTING, CONSENT)
    token = first.json()["refresh_token"]
    one = await refresh(advisor, token, authorization_details=json.dumps([BALANCES]))
    await assert_states(api, one, BALANCES)
    await assert_states(api, await refresh(advisor, token), LISTING, BALANCES, CONSENT)


@pytest.mark.clause("rfc9396-6-1")
@pytest.mark.parametrize("wrong", NOT_GRANTED)
async def test_a_request_for_others_is_refused_and_costs_nothing(
    advisor: WireClient, alice: WirePhone, wrong: str
):
    """400 invalid_authorization_details, and what was granted can still be had."""
    auth_req_id = await advisor.started(authorization_details=[LISTING, CONSENT])
    await alice.approve_next()
    refused = await advisor.poll(auth_req_id, authorization_details=wrong)
    assert refusal(refused) == (400, "invalid_authorization_details")
    tokens = (await advisor.poll(auth_req_id)).json()
    assert tokens["authorization_details"] == [LISTING, CONSENT]
    refused = await refresh(advisor, tokens["refresh_token"], authorization_details=wrong)
    assert refusal(refused) == (400, "invalid_authorization_details")
    assert (await refresh(advisor, tokens["refresh_token"])).status_code == 200


@pytest.mark.clause("rfc9396-6-1")
async def test_a_grant_without_details_has_none_to_ask_for(advisor: WireClient, alice: WirePhone):
    """Whatever its scope is."""
    tokens = await granted(advisor, alice, scope="openid accounts")
    refused = await refresh(
        advisor, tokens["refresh_token"], authorization_details=json.dumps([LISTING])
    )
    assert refusal(refused) == (400, "invalid_authorization_details")


@pytest.mark.clause("rfc9396-6-1", "sca-art5-2")
@pytest.mark.parametrize(
    "changed",
    [
        pytest.param([LISTING], id="without-it"),
        pytest.param([PAYMENT], id="it-alone"),
        pytest.param(
            [LISTING, {**PAYMENT, "instructedAmount": {"currency": "EUR", "amount": "12.51"}}],
            id="a-cent-more",
        ),
    ],
)
async def test_a_payment_grant_cannot_be_altered(
    advisor: WireClient, alice: WirePhone, api: WireClient, changed: list[object]
):
    """It has one token, which states all that was approved."""
    auth_req_id = await advisor.started(authorization_details=[LISTING, PAYMENT])
    await alice.approve_next()
    refused = await advisor.poll(auth_req_id, authorization_details=json.dumps(changed))
    assert refusal(refused) == (400, "invalid_authorization_details")
    whole = json.dumps([PAYMENT, LISTING])
    answer = await advisor.poll(auth_req_id, authorization_details=whole)
    await assert_states(api, answer, LISTING, PAYMENT)
    assert "refresh_token" not in answer.json()


async def test_a_pending_request_is_pending_whatever_is_asked_for(
    advisor: WireClient, alice: WirePhone
):
    """What was granted is not known before it was."""
    auth_req_id = await advisor.started(authorization_details=[LISTING])
    answer = await advisor.poll(auth_req_id, authorization_details=json.dumps([BALANCES]))
    assert refusal(answer) == (400, "authorization_pending")
    assert (await alice.approve_next())["type"] == "accepted"


@pytest.mark.clause("fapi1-p1-6.2.1-5", "fapi1-p1-6.2.1-6")
async def test_a_token_of_fewer_details_opens_less(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """The scope does not open again what the token leaves out."""
    dpop = WireDpop()
    auth_req_id = await shop.started(
        scope="openid accounts", authorization_details=[LISTING, BALANCES, CONSENT]
    )
    await alice.approve_next()
    form = {"grant_type": CIBA, "auth_req_id": auth_req_id}
    fewer = json.dumps([LISTING, CONSENT])
    first = (await token_request(shop, dpop, {**form, "authorization_details": fewer})).json()
    shown = await Holder(bank, first["access_token"], dpop).accounts()
    assert all(account.keys() == {"iban", "name"} for account in shown.json()["accounts"])
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    other = json.dumps([CONSENT])
    narrow = (await token_request(shop, dpop, {**form, "authorization_details": other})).json()
    assert narrow["scope"] == "openid accounts"
    reader = Holder(bank, narrow["access_token"], dpop)
    assert refusal(await reader.accounts()) == (403, "insufficient_scope")
    assert refusal(await reader.pay()) == (403, "insufficient_scope")
    whole = (await token_request(shop, dpop, form)).json()
    shown = await Holder(bank, whole["access_token"], dpop).accounts()
    assert all(len(account) == 3 for account in shown.json()["accounts"])
