"""Requests on the web phone: approved, declined, over without an answer."""

import pytest

from tests.browser.phone_core.conftest import PhoneOpener
from tests.browser.phone_core.core_phone import (
    ASKED,
    NOTHING,
    ONLINE,
    PAYMENT,
    PIN,
    WRONG_PIN,
    CorePhone,
    asked,
    told,
)
from tests.browser.phone_screens import virtual_authenticator
from tests.browser.watched import Watch
from tests.browser.web_phone import PhoneService, WebPhone
from tests.services.running_service import RunningService
from tests.wire.client import WireClient


async def test_what_the_user_decides_is_what_the_client_is_told(
    bank: RunningService, phone: CorePhone
):
    """All that is signed is to be shown; wrong PINs are counted; history outlives the page."""
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
    assert await told(bank, auth_req_id) == "tokens"
    for reason in ("declined", "not_me"):
        auth_req_id, name = await asked(bank, phone)
        assert await phone.act("deny", name, reason) == {"outcome": "denied"}
        assert await told(bank, auth_req_id) == "access_denied"
    await phone.reload()
    state = await phone.when(ONLINE)
    past = [(each["verdict"], each["reason"]) for each in state["history"]]
    assert past == [("denied", "not_me"), ("denied", "declined"), ("approved", None)]
    assert state["requests"] == []


async def test_not_me_is_heard_of_a_request_that_is_over(bank: RunningService, phone: CorePhone):
    """Said once, and as long as the service heeds it, however short the client let it be open."""
    auth_req_id, name = await asked(bank, phone)
    assert (await phone.refused("report", name))["code"] == "not_open"
    await bank.till.cancel(auth_req_id)
    assert (await phone.when("state.notices.length === 1"))["reportable"] == [name]
    await phone.reload()
    assert (await phone.when(ONLINE))["reportable"] == [name]
    await phone.act("report", name)
    assert (await bank.till.start()).json()["error"] == "unknown_user_id"
    assert (await phone.state())["reportable"] == []
    assert (await phone.refused("report", name))["code"] == "not_open"


async def test_five_wrong_pins_lock(
    start_phone_service: PhoneService, web_phone: WebPhone, enrol_phone: PhoneOpener
):
    """They are counted down, the last has to wait, all are warned; then no PIN counts any more."""
    pauses = {"limits": {"last_attempt_pause": 60}}
    async with (
        start_phone_service(sections=pauses) as bank,
        web_phone.serving(bank.issuer),
    ):
        phone = await enrol_phone(bank)
        _, name = await asked(bank, phone)
        for left in (4, 3, 2, 1):
            refused = await phone.act("approve", name, {"pin": WRONG_PIN})
            assert (refused["reason"], refused["attemptsLeft"]) == ("factors", left)
        paused = await phone.act("approve", name, {"pin": PIN})
        assert paused["reason"] == "paused"
        assert paused["retryAt"] > await phone.page.evaluate("Date.now()")
        assert not (await phone.state())["locked"]
        bank.clock.advance(61)
        last = await phone.act("approve", name, {"pin": WRONG_PIN})
        assert (last["reason"], last["attemptsLeft"]) == ("factors", 0)
        state = await phone.when("state.locked && state.requests.length === 0")
        warned = [each for each in state["notices"] if each["type"] == "attempts_warning"]
        assert [each["attemptsLeft"] for each in warned] == [0, 1]
        assert (await phone.refused("invite", PIN))["code"] == "locked"


async def test_a_request_that_is_over_leaves_and_says_why(bank: RunningService, phone: CorePhone):
    """Cancelled by the client, or expired by the service's clock while somebody looks at it."""
    auth_req_id, name = await asked(bank, phone)
    await bank.till.cancel(auth_req_id)
    state = await phone.when(NOTHING)
    assert state["notices"][0] | {"id": 0, "at": 0} == {
        "type": "request_withdrawn",
        "transactionId": name,
        "client": "Shop till",
        "reason": "cancelled",
        "id": 0,
        "at": 0,
    }
    await phone.page.evaluate("(id) => phone.dismiss(id)", state["notices"][0]["id"])
    await phone.when("state.notices.length === 0")
    assert (await phone.refused("approve", name, {"pin": PIN}))["code"] == "not_open"
    await phone.page.clock.install()
    await phone.reload()
    await phone.when(ONLINE)
    _, name = await asked(bank, phone, requested_expiry=30)
    await phone.page.clock.fast_forward(31_000)
    state = await phone.when(NOTHING)
    assert state["notices"][0]["reason"] == "expired"
    assert (await phone.refused("deny", name, "declined"))["code"] == "not_open"


@pytest.mark.clause("nist63b-3.1.3.1-7")
async def test_codes_are_given_where_they_are_asked_for(
    start_phone_service: PhoneService, web_phone: WebPhone, enrol_phone: PhoneOpener
):
    """The phone's own one-time code, each step once, and the code that the other device shows."""
    demands = {"policy": {"require_otp": True, "require_verification_code": True}}
    kiosk = WireClient("kiosk")
    async with (
        start_phone_service(clients=[kiosk], sections=demands) as bank,
        web_phone.serving(bank.issuer),
    ):
        phone = await enrol_phone(bank)
        bank.clock.advance(-bank.clock.now() % 30)  # A step of the codes begins just now.
        await phone.reload()
        await phone.when(ONLINE)
        acknowledged = (await kiosk.start()).json()
        (request,) = (await phone.when(ASKED))["requests"]
        assert request["factors"] == ["device_key", "pin", "otp", "verification_code"]
        name, code = request["transactionId"], acknowledged["verification_code"]
        assert (await phone.refused("approve", name, {"pin": PIN}))["code"] == "missing_factor"
        shown = await phone.act("oneTimeCode")
        assert shown["validUntil"] > await phone.page.evaluate("Date.now()")
        spaced = f"{code[:3]} {code[3:]}"
        proofs = {"pin": WRONG_PIN, "verificationCode": spaced}
        assert (await phone.act("approve", name, proofs))["reason"] == "factors"
        used = await phone.refused("oneTimeCode")
        assert (used["code"], used["retryAt"]) == ("no_fresh_code", shown["validUntil"])
        bank.clock.advance(30)
        await phone.reload()
        await phone.when(f"{ONLINE} && {ASKED}")
        approved = await phone.act("approve", name, {"pin": PIN, "verificationCode": code})
        assert approved == {"outcome": "approved"}


async def test_a_passkey_that_is_refused_costs_no_code(
    start_phone_service: PhoneService, web_phone: WebPhone, enrol_phone: PhoneOpener, watch: Watch
):
    """The code is taken after the gesture, which may last for longer than a code is good."""
    watch.expect("pubKeyCredParams is missing")
    async with (
        start_phone_service(sections={"policy": {"require_otp": True}}) as bank,
        web_phone.serving(bank.issuer),
    ):
        phone = await enrol_phone(bank)
        await virtual_authenticator(phone.page)
        await phone.act("addPasskey", PIN)
        _, name = await asked(bank, phone)
        await phone.page.evaluate(
            "() => { navigator.credentials.get = () => Promise.reject(new DOMException()); }"
        )
        proofs = {"usePasskey": True}
        assert (await phone.refused("approve", name, proofs))["code"] == "no_gesture"
        assert await phone.act("oneTimeCode")
        await phone.page.evaluate("() => { delete navigator.credentials.get; }")
        assert await phone.act("approve", name, proofs) == {"outcome": "approved"}


async def test_nothing_is_sent_that_could_not_be_kept(bank: RunningService, phone: CorePhone):
    """A browser whose disk is full decides nothing, and one that keeps nothing enrols nobody."""
    auth_req_id, name = await asked(bank, phone)
    await phone.page.evaluate("""() => {
      const { transaction } = IDBDatabase.prototype;
      globalThis.mend = () => { IDBDatabase.prototype.transaction = transaction; };
      IDBDatabase.prototype.transaction = function (stores, mode, options) {
        if (mode === "readwrite") {
          throw new DOMException("full", "QuotaExceededError");
        }
        return transaction.call(this, stores, mode, options);
      };
    }""")
    assert (await phone.refused("deny", name, "declined"))["code"] == "storage"
    assert (await phone.refused("changePin", PIN, "804627"))["code"] == "storage"
    state = await phone.state()
    assert [each["step"] for each in state["requests"]] == ["open"]
    assert not state["pinChangePending"]
    assert await told(bank, auth_req_id) == "authorization_pending"
    await phone.page.evaluate("mend()")
    assert await phone.act("approve", name, {"pin": PIN}) == {"outcome": "approved"}
    await phone.page.evaluate("""() => {
      IDBFactory.prototype.open = () => { throw new DOMException("private", "SecurityError"); };
    }""")
    await phone.act("close")
    await phone.open()
    assert (await phone.state())["problem"] == {"code": "storage"}
    wanted = {"activationCode": "K7QM-2RXP-9D4T", "name": "Web", "pin": PIN}
    assert (await phone.refused("enrol", wanted))["code"] == "storage"
