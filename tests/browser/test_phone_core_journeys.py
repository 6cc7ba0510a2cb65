"""The web phone's core against the real service: what its screens stand on."""

from typing import Any

import pytest
from playwright.async_api import BrowserContext

from tests.browser.conftest import ContextOpener
from tests.browser.phone_core import MODULE, CorePhone
from tests.browser.watched import Watch
from tests.browser.web_phone import WebPhone
from tests.running_service import RunningService

PIN, OTHER_PIN, WRONG_PIN = "739154", "804627", "739155"
PAYMENT = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "EUR", "amount": "12.50"},
    "creditorName": "Corner Shop Ltd",
}
ONLINE = "state.connection === 'online'"
ASKED = "state.requests.length === 1"
NOTHING = "state.requests.length === 0"
UNSURE = "state.requests[0]?.step === 'unsure'"


@pytest.fixture
async def bank(phone_service_and_page: tuple[RunningService, str]) -> RunningService:
    """A service that lets the page in."""
    return phone_service_and_page[0]


@pytest.fixture
async def context(new_context: ContextOpener, watch: Watch) -> BrowserContext:
    """One browser of one person."""
    watch.expect("favicon")
    return await new_context()


async def opened(context: BrowserContext, bank: RunningService, web: WebPhone, number: int = 1):
    """A phone in a tab of its own."""
    page = await context.new_page()
    await page.goto(web.address + MODULE)
    return await CorePhone(page, bank.issuer, number).open()


async def enrolled(
    context: BrowserContext, bank: RunningService, web: WebPhone, number: int = 1
) -> CorePhone:
    """A phone of Alice's that is connected, or that waits where she has another one."""
    phone = await opened(context, bank, web, number)
    code = await bank.activation_code("alice")
    await phone.act("enrol", {"activationCode": code, "name": f"Web {number}", "pin": PIN})
    await phone.when(ONLINE)
    return phone


@pytest.fixture
async def phone(context: BrowserContext, bank: RunningService, web_phone: WebPhone) -> CorePhone:
    """Alice's first phone."""
    return await enrolled(context, bank, web_phone)


async def asked(bank: RunningService, phone: CorePhone, **claims: Any) -> tuple[str, str]:
    """A request that is open on the phone: the client's name of it, and the phone's."""
    auth_req_id = await bank.till.started(**claims)
    state = await phone.when(ASKED)
    return auth_req_id, state["requests"][0]["transactionId"]


async def token_error(bank: RunningService, auth_req_id: str) -> str:
    """What the client is told."""
    bank.clock.advance(6)
    return str((await bank.till.poll(auth_req_id)).json().get("error"))


async def test_a_payment_is_approved_and_other_requests_are_declined(
    bank: RunningService, phone: CorePhone
):
    """All that is signed is in the state; wrong PINs are counted; history tells, after a reload too."""
    auth_req_id, name = await asked(bank, phone, authorization_details=[PAYMENT])
    (request,) = (await phone.state())["requests"]
    assert (request["display"]["amount"], request["step"]) == ("12.50 EUR", "open")
    assert request["expiresAt"] - request["issuedAt"] == 180_000
    assert abs(request["issuedAt"] - await phone.page.evaluate("Date.now()")) < 60_000
    await phone.page.evaluate("(name) => phone.shown(name)", name)
    assert (await phone.refused("approve", name, {}))["code"] == "missing_factor"
    assert (await phone.refused("approve", name, {"pin": "12"}))["code"] == "invalid_pin"
    wrong = await phone.act("approve", name, {"pin": WRONG_PIN})
    assert (wrong["outcome"], wrong["reason"], wrong["attemptsLeft"]) == ("refused", "factors", 4)
    assert (await phone.state())["requests"][0]["refusal"]["attemptsLeft"] == 4
    assert await phone.act("approve", name, {"pin": PIN}) == {"outcome": "approved"}
    assert await token_error(bank, auth_req_id) == "None"
    for reason in ("declined", "not_me"):
        auth_req_id, name = await asked(bank, phone)
        assert await phone.act("deny", name, reason) == {"outcome": "denied"}
        assert await token_error(bank, auth_req_id) == "access_denied"
    await phone.reload()
    state = await phone.when(ONLINE)
    told = [(past["verdict"], past["reason"]) for past in state["history"]]
    assert told == [("denied", "not_me"), ("denied", "declined"), ("approved", None)]
    assert state["requests"] == []
