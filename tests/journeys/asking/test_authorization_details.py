"""Account information: what will be shared is shown, signed, and stated in what is issued."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.journeys.deciding.test_payment import PAYMENT
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of, new_key
from tests.wire.tokens import (
    API,
    REFRESHING,
    granted,
    introspect,
    refresh,
    resource_server,
)

ACCOUNTS: dict[str, Any] = {
    "type": "account_information",
    "actions": ["list_accounts", "read_balances"],
    "accounts": [{"iban": "DE89370400440532013000"}],
}
ALL_ACCOUNTS: dict[str, Any] = {"type": "account_information", "actions": ["read_transactions"]}
TYPES = ["payment_initiation", "account_information"]


@pytest.fixture(scope="module")
def advisor() -> WireClient:
    """A client that may read accounts and make payments."""
    registered = {**REFRESHING, "authorization_details_types": TYPES}
    return WireClient("advisor", key=new_key(kid="advisor"), metadata=registered)


@pytest.fixture(scope="module")
def api() -> WireClient:
    """The resource server its tokens are for."""
    return resource_server()


@pytest.fixture
async def bank(
    run_service: ServiceRunner, advisor: WireClient, till: WireClient, api: WireClient
) -> AsyncIterator[RunningService]:
    """A service whose operator asks for a possession alone, where no law asks for more."""
    sections = {
        "tokens": {"audience": API},
        "policy": {"floor": "urn:openbanking:psd2:ca"},
    }
    async with run_service(clients=[advisor, till, api], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


@pytest.mark.clause("rfc9396-3-1")
async def test_the_phone_shows_what_will_be_shared(advisor: WireClient, alice: WirePhone):
    """In the service's words, of which accounts, beside what the scope means, and as typed data."""
    await advisor.started(authorization_details=[ACCOUNTS, ALL_ACCOUNTS], scope="openid profile")
    (challenge,) = await alice.fetch()
    claims = claims_of(challenge)
    display = claims["display"]
    assert display["title"] == "Confirm access"
    shared = ["Your identity", "Your name and profile", "Lasting access, without asking you again"]
    assert display["shares"] == shared
    assert [detail["title"] for detail in display["details"]] == ["Account information"] * 2
    assert [[line["texts"] for line in detail["lines"]] for detail in display["details"]] == [
        [["The list of accounts", "Balances"], ["DE89 3704 0044 0532 0130 00"]],
        [["Transactions"], ["All your accounts"]],
    ]
    assert claims["authorization_details"] == [ACCOUNTS, ALL_ACCOUNTS]


async def test_access_to_accounts_needs_strong_authentication(
    advisor: WireClient, alice: WirePhone
):
    """Whatever the floor is (PSD2 art. 97(1)(a)): the PIN is asked for, and only then."""
    await advisor.started()
    (sign_in,) = await alice.fetch()
    assert claims_of(sign_in)["factors"] == ["device_key"]
    await alice.decide(alice.denial(sign_in))
    await advisor.started(authorization_details=[ACCOUNTS])
    (challenge,) = await alice.fetch()
    assert claims_of(challenge)["factors"] == ["device_key", "pin"]


@pytest.mark.clause("rfc9396-7-1", "rfc9396-9-1", "rfc9396-9.2-1")
async def test_what_was_approved_is_what_is_granted(
    advisor: WireClient, alice: WirePhone, api: WireClient
):
    """To the member, in answer, access token and introspection, and again after a refresh."""
    details = [ACCOUNTS, ALL_ACCOUNTS]
    tokens = await granted(advisor, alice, authorization_details=details)
    again = (await refresh(advisor, tokens["refresh_token"])).json()
    for answer in (tokens, again):
        assert answer["authorization_details"] == details
        assert claims_of(answer["access_token"])["authorization_details"] == details
        told = (await introspect(api, answer["access_token"])).json()
        assert told["authorization_details"] == details


async def test_a_payment_may_come_with_account_information(advisor: WireClient, alice: WirePhone):
    """Both are shown and granted; the tokens are those of a payment."""
    await advisor.started(authorization_details=[ACCOUNTS, PAYMENT])
    (challenge,) = await alice.fetch()
    display = claims_of(challenge)["display"]
    assert (display["title"], display["amount"]) == ("Confirm payment", "12.50 EUR")
    assert len(display["details"]) == 1
    await alice.decide(alice.denial(challenge))
    tokens = await granted(advisor, alice, authorization_details=[ACCOUNTS, PAYMENT])
    assert tokens["authorization_details"] == [ACCOUNTS, PAYMENT]
    assert "refresh_token" not in tokens


async def test_an_approval_is_good_for_its_own_details_only(advisor: WireClient, alice: WirePhone):
    """An approval of fewer actions, turned to a request of more, is refused."""
    await advisor.started(authorization_details=[ALL_ACCOUNTS])
    (agreed,) = await alice.fetch()
    approval = claims_of(alice.approval(agreed))
    more = {**ALL_ACCOUNTS, "actions": ["read_transactions", "read_balances"]}
    auth_req_id = await advisor.started(authorization_details=[more])
    (changed,) = [text for text in await alice.fetch() if text != agreed]
    turned = {**approval, "transaction_id": claims_of(changed)["transaction_id"]}
    refused = await alice.decide(alice.decision(changed, **turned))
    assert (refused["type"], refused["reason"]) == ("refused", "invalid_decision")
    assert (await advisor.poll(auth_req_id)).json()["error"] == "authorization_pending"


@pytest.mark.clause("rfc9396-5-1", "rfc9396-12-1")
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param([{**ACCOUNTS, "type": "unheard_of"}], id="unknown-type"),
        pytest.param([{**ACCOUNTS, "actions": ["close_accounts"]}], id="unknown-action"),
        pytest.param([{**ACCOUNTS, "fee": "1.00"}], id="unknown-member"),
        pytest.param([{**ACCOUNTS, "actions": []}], id="empty"),
        pytest.param([{**ACCOUNTS, "accounts": [{"iban": "DE89\u202e3704"}]}], id="deceptive"),
        pytest.param([PAYMENT, ACCOUNTS, PAYMENT], id="two-payments"),
        pytest.param([ACCOUNTS] * 11, id="too-many"),
        pytest.param("[{", id="no-json"),
        pytest.param({"type": "account_information"}, id="object"),
    ],
)
async def test_details_that_are_not_understood_reach_nobody(
    advisor: WireClient, alice: WirePhone, wrong: object
):
    """400 invalid_authorization_details, and no phone hears of it."""
    answer = await advisor.start(authorization_details=wrong)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_authorization_details")
    assert answer.json().keys() == {"error", "error_description"}
    assert await alice.fetch() == []


@pytest.mark.clause("rfc9396-5-1", "rfc10027-2-2")
async def test_a_client_may_ask_for_no_type_it_did_not_register(till: WireClient, alice: WirePhone):
    """The till makes payments and does not read accounts."""
    answer = await till.start(authorization_details=[ACCOUNTS])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_authorization_details")
    assert await alice.fetch() == []


async def test_the_largest_request_reaches_a_socket(advisor: WireClient, alice: WirePhone):
    """A challenge about as much as may be asked for still fits into one frame."""
    payment = {
        **PAYMENT,
        "creditorName": "\U00020000" * 70,
        "remittanceInformationUnstructured": "\U00020000" * 140,
    }
    account = {"iban": "MT31MALT01100000000000000000123"}
    others = [{"iban": iban} for iban in ("DE89370400440532013000", "GB33BUKB20201555555555")]
    wide = {"type": "account_information", "actions": ["list_accounts"], "accounts": [account]}
    details = [payment, {**wide, "accounts": [account, *others]}, *[wide] * 8]
    assert 1900 < len(json.dumps(details, ensure_ascii=False).encode()) <= 3072
    auth_req_id = await advisor.started(
        authorization_details=details, binding_message="\U00020000" * 100
    )
    async with alice.online() as socket:
        (offered,) = socket.first
    await alice.decide(alice.approval(offered["challenge"]))
    assert (await advisor.poll(auth_req_id)).json()["authorization_details"] == details


LOAN = {
    "type": "loan",
    "title": "Take out a loan",
    "schema": {
        "type": "object",
        "required": ["type", "amount"],
        "properties": {"type": {}, "amount": {"type": "string", "pattern": "^[0-9]{1,6} EUR$"}},
    },
    "display": [{"member": "amount", "label": "Sum"}],
}


@pytest.mark.clause("rfc9396-10-1")
async def test_a_declared_type_is_shown_and_granted(run_service: ServiceRunner):
    """What an operator declares in the configuration is checked, shown, signed and stated."""
    lender = WireClient(
        "lender", key=new_key(kid="lender"), metadata={"authorization_details_types": ["loan"]}
    )
    sections = {"authorization_details_types": [LOAN]}
    async with run_service(clients=[lender], sections=sections) as service:
        document = (await service.http.get("/.well-known/openid-configuration")).json()
        assert document["authorization_details_types_supported"] == ["loan"]
        phone = await service.enrolled_phone("alice")
        loan = {"type": "loan", "amount": "500 EUR"}
        for wrong in ({**loan, "amount": "free"}, {**loan, "rate": "0"}, {"type": "loan"}):
            refused = await lender.start(authorization_details=[wrong])
            assert refused.json()["error"] == "invalid_authorization_details"
        auth_req_id = await lender.started(authorization_details=[loan])
        (challenge,) = await phone.fetch()
        (shown,) = claims_of(challenge)["display"]["details"]
        assert shown["title"] == "Take out a loan"
        assert (await phone.decide(phone.approval(challenge)))["type"] == "accepted"
        tokens = (await lender.poll(auth_req_id)).json()
    assert tokens["authorization_details"] == [loan]
    assert claims_of(tokens["access_token"])["authorization_details"] == [loan]
