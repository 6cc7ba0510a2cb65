"""Payments: amount and payee are shown, signed, and stated in what is issued (PSD2 RTS art. 5)."""

import pytest

from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

PAYMENT = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "EUR", "amount": "12.50"},
    "creditorName": "Corner Shop Ltd",
    "creditorAccount": {"iban": "DE89370400440532013000"},
    "remittanceInformationUnstructured": "Invoice 4711",
}
OTHER_AMOUNT = {**PAYMENT, "instructedAmount": {"currency": "EUR", "amount": "12.51"}}
OTHER_PAYEE = {**PAYMENT, "creditorName": "Corner Shop Inc"}
OTHER_REFERENCE = {**PAYMENT, "remittanceInformationUnstructured": "Invoice 4712"}


@pytest.mark.clause("sca-art5-1", "rfc9396-3-1")
async def test_the_phone_shows_the_whole_payment(service: RunningService, phone: WirePhone):
    """Amount, payee, account and remittance information: each to show, and as a typed field."""
    await service.till.started(authorization_details=[PAYMENT])
    (challenge,) = await phone.fetch()
    claims = claims_of(challenge)
    assert claims["display"]["title"] == "Confirm payment"
    assert claims["display"]["amount"] == "12.50 EUR"
    assert claims["display"]["payee"] == "Corner Shop Ltd"
    assert claims["display"]["payee_account"] == "DE89 3704 0044 0532 0130 00"
    assert claims["display"]["remittance_information"] == "Invoice 4711"
    assert claims["display"]["shares"] == ["Your identity"]
    assert claims["payments"] == [
        {
            "amount": "12.50",
            "currency": "EUR",
            "creditor_name": "Corner Shop Ltd",
            "creditor_iban": "DE89370400440532013000",
            "remittance_information": "Invoice 4711",
        }
    ]


async def test_a_payee_without_an_account_is_shown_by_name(
    service: RunningService, phone: WirePhone
):
    """What the client did not name is left out, not made up."""
    payment = {name: value for name, value in PAYMENT.items() if name != "creditorAccount"}
    await service.till.started(authorization_details=[payment])
    (challenge,) = await phone.fetch()
    claims = claims_of(challenge)
    assert claims["display"]["payee"] == "Corner Shop Ltd"
    assert "payee_account" not in claims["display"]
    assert "creditor_iban" not in claims["payments"][0]


@pytest.mark.parametrize(
    "deceptive",
    [
        {"creditorName": "\u3164"},
        {"creditorName": "P\u0430yee"},
        {"remittanceInformationUnstructured": "\u2800"},
        {"remittanceInformationUnstructured": "Invoice\u202e1174"},
        {"creditorAccount": {"iban": "DE89370400440532013001"}},
    ],
    ids=ascii,
)
@pytest.mark.clause("rfc9396-12-1")
async def test_a_payment_that_deceives_the_eye_is_refused(
    service: RunningService, phone: WirePhone, deceptive: dict[str, object]
):
    """Before anybody is asked; the client learns which parameter, and no more."""
    answer = await service.till.start(authorization_details=[{**PAYMENT, **deceptive}])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_authorization_details")
    assert await phone.fetch() == []


@pytest.mark.clause("rfc9396-7-1", "rfc9396-9-1")
async def test_the_tokens_state_the_payment(service: RunningService, phone: WirePhone):
    """Token answer and access token carry exactly the details that were approved."""
    auth_req_id = await service.till.started(authorization_details=[PAYMENT])
    await phone.approve_next()
    tokens = (await service.till.poll(auth_req_id)).json()
    assert tokens["authorization_details"] == [PAYMENT]
    assert claims_of(tokens["access_token"])["authorization_details"] == [PAYMENT]


@pytest.mark.clause("rfc10027-6.1.10-1")
async def test_payment_tokens_are_short_lived_whatever_is_configured(
    run_service: ServiceRunner, till: WireClient
):
    """A payment's access token lives five minutes at most, another that is unbound under ten."""
    sections = {"tokens": {"access_token_lifetime": 3600}}
    async with run_service(clients=[till], sections=sections) as service:
        phone = await service.enrolled_phone("alice")
        lifetimes = []
        for claims in ({}, {"authorization_details": [PAYMENT]}):
            auth_req_id = await till.started(**claims)
            await phone.approve_next()
            tokens = (await till.poll(auth_req_id)).json()
            claims_now = claims_of(tokens["access_token"])
            assert claims_now["exp"] - claims_now["iat"] == tokens["expires_in"]
            lifetimes.append(tokens["expires_in"])
    assert lifetimes == [599, 300]


@pytest.mark.parametrize(
    "other", [OTHER_AMOUNT, OTHER_PAYEE, OTHER_REFERENCE], ids=["amount", "payee", "reference"]
)
@pytest.mark.clause("sca-art5-2", "sca-art5-3", "sca-art5-4")
async def test_an_approval_is_good_for_its_own_payment_only(
    service: RunningService, phone: WirePhone, other: dict[str, object]
):
    """An approval of one payment, turned to another of one cent or letter more, is refused."""
    await service.till.started(authorization_details=[PAYMENT])
    (agreed,) = await phone.fetch()
    approval = claims_of(phone.approval(agreed))
    auth_req_id = await service.till.started(authorization_details=[other])
    (changed,) = [text for text in await phone.fetch() if text != agreed]
    turned = {**approval, "transaction_id": claims_of(changed)["transaction_id"]}
    refused = await phone.decide(phone.decision(changed, **turned))
    assert (refused["type"], refused["reason"]) == ("refused", "invalid_decision")
    assert (await service.till.poll(auth_req_id)).json()["error"] == "authorization_pending"
