"""Approving and declining on the web phone, by hand, against the real service."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import PageOpener
from tests.browser.phone_screens import PIN, WRONG_PIN, PhoneScreens, virtual_authenticator
from tests.browser.watched import Watch
from tests.browser.web_phone import PhoneService, WebPhone
from tests.services.running_service import RunningService
from tests.wire.client import WireClient
from tests.wire.resource import PAYMENT
from tests.wire.signing import claims_of

CLEAR = "rgba(0, 0, 0, 0)"
ServiceAndPage = tuple[RunningService, str]


async def outcome(client: WireClient, auth_req_id: str) -> str:
    """What the client gets: tokens, or which error."""
    answer: dict[str, Any] = (await client.poll(auth_req_id)).json()
    return "tokens" if "access_token" in answer else str(answer["error"])


async def with_clock(open_page: PageOpener, address: str) -> Page:
    """A page whose clock can be moved on."""
    page = await open_page("about:blank")
    await page.clock.install()
    await page.goto(address)
    return page


@pytest.mark.clause("ciba-7.1-15", "sca-art5-1", "sca-art6-2", "fapi2-sp-5.3.2.2-13")
async def test_from_the_code_to_the_first_approval(
    open_page: PageOpener, phone_service_and_page: ServiceAndPage
):
    """A person sets a phone up, is told of slips, sees all of a payment, and approves it."""
    service, address = phone_service_and_page
    page = await open_page(address)
    phone = PhoneScreens(page)
    await expect(phone.heading("Set up this phone")).to_be_focused()
    await phone.is_accessible()
    await page.get_by_label("Activation code").fill("K7QM")
    await phone.press("Continue")
    await expect(page.get_by_text("has twelve letters and digits")).to_be_visible()
    await page.get_by_label("Activation code").fill(
        (await service.activation_code("alice")).lower()
    )
    await phone.press("Continue")
    await page.get_by_label("Name", exact=True).fill("Alice's phone")
    await phone.press("Continue")
    await phone.type_pin("123456")
    await expect(page.get_by_text("easy to guess")).to_be_visible()
    await phone.is_accessible()
    await phone.tap_pin()
    await phone.type_pin(WRONG_PIN)
    await expect(page.get_by_text("not the same")).to_be_visible()
    await phone.tap_pin()
    await phone.tap_pin()
    await expect(phone.heading("This phone is ready")).to_be_focused()
    await phone.press("Go to the overview")
    await expect(page.get_by_text("Nothing to approve")).to_be_visible()
    await phone.is_accessible()

    auth_req_id = await service.till.started(authorization_details=[PAYMENT])
    await expect(page).to_have_title("(1) Approvals · Alice's phone")
    await expect(
        page.get_by_role("status").get_by_text("New request from Shop till.")
    ).to_be_attached()
    await phone.is_accessible()
    await phone.open_request()
    sheet = page.get_by_role("dialog", name="Confirm payment")
    for text in (
        "Shop till",
        "12.50 EUR",
        "Corner Shop Ltd",
        "DE89 3704 0044 0532 0130 00",
        "W4SCT",
    ):
        await expect(sheet.get_by_text(text, exact=True).first).to_be_visible()
    await expect(sheet.get_by_text("Your identity")).to_be_visible()
    await phone.is_accessible()
    await phone.press("Approve")
    await page.get_by_label("PIN", exact=True).fill(WRONG_PIN)
    await pin_is_hidden(phone)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("That was not right. 4 attempts left.")).to_be_visible()
    await phone.is_accessible()
    await phone.tap_pin()
    await expect(phone.heading("Approved")).to_be_focused()
    await expect(page.get_by_text("to Corner Shop Ltd · Shop till")).to_be_visible()
    await phone.is_accessible()
    await phone.press("Done")
    assert await outcome(service.till, auth_req_id) == "tokens"
    await expect(page).to_have_title("Approvals · Alice's phone")
    await expect(page.get_by_role("listitem").get_by_text("Approved")).to_be_visible()
    await phone.is_accessible()


async def pin_is_hidden(phone: PhoneScreens) -> None:
    """It is neither read out nor copied, no browser keeps it, and one row of dots shows it."""
    field = phone.page.get_by_label("PIN", exact=True)
    await expect(field).to_have_attribute("type", "password")
    await expect(field).to_have_attribute("autocomplete", "one-time-code")
    await phone.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await phone.page.evaluate("navigator.clipboard.writeText('before')")
    await phone.page.keyboard.press("ControlOrMeta+A")
    await phone.page.keyboard.press("ControlOrMeta+C")
    assert await phone.page.evaluate("navigator.clipboard.readText()") == "before"
    dots = phone.page.locator(".pin-dots")
    for forced, colour, drawn in (("active", "rgb(0, 0, 0)", False), ("none", CLEAR, True)):
        await phone.page.emulate_media(forced_colors=forced)
        await expect(field).to_have_css("color", colour)
        await expect(dots).to_be_visible(visible=drawn)


async def test_declining_and_reporting(alice: PhoneScreens, phone_service_and_page: ServiceAndPage):
    """One press declines; that it was not me is asked back, told apart, and stops the client."""
    service, _ = phone_service_and_page
    declined = await service.till.started()
    await alice.open_request()
    await alice.press("Decline")
    await expect(alice.heading("Declined")).to_be_visible()
    await alice.press("Done")
    assert await outcome(service.till, declined) == "access_denied"

    reported = await service.till.started()
    await alice.open_request()
    await alice.press("This was not me")
    question = alice.page.get_by_role("alertdialog", name="You did not start this?")
    await expect(question).to_contain_text("Shop till cannot ask you again for now")
    await alice.is_accessible()
    await alice.press("Cancel")
    assert await outcome(service.till, reported) == "authorization_pending"
    await alice.press("This was not me")
    await alice.press("Decline and report")
    await expect(alice.heading("Declined and reported")).to_be_visible()
    await alice.press("Done")
    assert await outcome(service.till, reported) == "access_denied"
    assert (await service.till.start()).json()["error"] == "unknown_user_id"
    rows = alice.page.get_by_role("listitem")
    await expect(rows.nth(0)).to_contain_text("Reported")
    await expect(rows.nth(1)).to_contain_text("Declined")


async def test_reporting_what_was_cancelled_under_the_eyes(
    alice: PhoneScreens, phone_service_and_page: ServiceAndPage
):
    """The sheet has ended; the overview offers to say that it was not me: the client is stopped."""
    service, _ = phone_service_and_page
    auth_req_id = await service.till.started()
    await alice.open_request()
    await service.till.cancel(auth_req_id)
    await expect(alice.heading("The request was withdrawn")).to_be_visible()
    await alice.press("Done")
    await alice.is_accessible()
    await alice.press("This was not me")
    question = alice.page.get_by_role("alertdialog", name="You did not start this?")
    await expect(question).to_contain_text("Shop till cannot ask you again for now")
    await alice.press("Report")
    await expect(alice.button("This was not me")).to_be_hidden()
    assert (await service.till.start()).json()["error"] == "unknown_user_id"


async def test_reporting_what_is_cancelled_while_that_is_asked_back(
    alice: PhoneScreens, phone_service_and_page: ServiceAndPage, watch: Watch
):
    """The confirmed word is not lost with the request, nor with a network that comes and goes."""
    watch.expect("ERR_|WebSocket|Failed to load")
    service, _ = phone_service_and_page
    auth_req_id = await service.till.started()
    await alice.open_request()
    await alice.press("This was not me")
    await service.till.cancel(auth_req_id)
    ended = alice.page.get_by_role("dialog").filter(has_text="The request was withdrawn")
    await expect(ended).to_be_visible()
    await alice.page.route("**/device/messages", lambda route: route.abort())
    await alice.press("Decline and report")
    question = alice.page.get_by_role("alertdialog", name="You did not start this?")
    await expect(question).to_contain_text("The service cannot be reached")
    await alice.page.unroute("**/device/messages")
    await alice.press("Report")
    await expect(alice.heading("Declined and reported")).to_be_visible()
    await alice.press("Done")
    await expect(alice.page.get_by_text("withdrawn by the client")).to_be_hidden()
    assert (await service.till.start()).json()["error"] == "unknown_user_id"


@pytest.mark.clause("nist63b-3.1.3.1-7")
async def test_number_matching_with_a_one_time_code(
    start_phone_service: PhoneService, web_phone: WebPhone, open_page: PageOpener
):
    """The other device's digits are typed, the phone's own code is shown, and both go along."""
    kiosk = WireClient("kiosk", metadata={"require_verification_code": True})
    policy = {"policy": {"require_otp": True}}
    async with (
        start_phone_service(clients=[kiosk], sections=policy) as service,
        web_phone.serving(service.issuer) as address,
    ):
        phone = PhoneScreens(await with_clock(open_page, address))
        await phone.enrolled(await service.activation_code("alice"))
        # Both attempts are to be made within one step of the codes, which begins just now.
        ahead = -service.clock.now() % 30
        service.clock.advance(ahead)
        await phone.page.clock.fast_forward(ahead * 1000)
        started = (await kiosk.start()).json()
        await phone.open_request("Shop kiosk")
        await phone.press("Approve")
        await expect(phone.page.get_by_text("Type all six digits")).to_be_visible()
        await phone.is_accessible()
        code = started["verification_code"]
        field = phone.page.get_by_label("Code of the other device")
        await field.fill(f"{(int(code) + 1) % 1_000_000:06}")
        await phone.press("Approve")
        await expect(phone.page.get_by_text(re.compile(r"^\d{3} \d{3}$"))).to_be_visible()
        await phone.is_accessible()
        await phone.type_pin()
        await expect(phone.page.get_by_text("That was not right.").first).to_be_visible()
        await field.fill(f"{code[:3]} {code[3:]}")
        await phone.press("Approve")
        await expect(phone.page.get_by_text("is sent with the next one")).to_be_visible()
        service.clock.advance(30)
        await phone.page.clock.fast_forward(30_000)
        await phone.type_pin()
        await expect(phone.heading("Approved")).to_be_visible()
        claims = claims_of((await kiosk.poll(started["auth_req_id"])).json()["id_token"])
        assert claims["amr"] == ["pop", "pin", "otp", "mfa"]


async def test_a_passkey_in_place_of_the_pin(
    start_phone_service: PhoneService,
    web_phone: WebPhone,
    open_page: PageOpener,
    till: WireClient,
    watch: Watch,
):
    """It is added with the PIN, approves where it may and where it must, and is removed again."""
    watch.expect("RS256")  # Which the service does not take, and Chromium would like.
    vault = WireClient("vault")
    policy = {"policy": {"rules": [{"client": "vault", "require_passkey": True}]}}
    async with (
        start_phone_service(clients=[till, vault], sections=policy) as service,
        web_phone.serving(service.issuer) as address,
    ):
        phone = PhoneScreens(await open_page(address))
        await phone.enrolled(await service.activation_code("alice"))
        await vault.started()
        await phone.open_request("Shop vault")
        await phone.press("Approve")
        await expect(phone.page.get_by_text("This request needs a passkey")).to_be_visible()
        await phone.press("Back")
        await phone.press("Decline")
        await phone.press("Done")
        await add_passkey(phone)
        for client in (till, vault):
            auth_req_id = await client.started()
            await phone.open_request(f"Shop {client.client_id}")
            await phone.press("Approve")
            demanded = client is vault
            await expect(phone.page.get_by_label("PIN", exact=True)).to_have_count(1 - demanded)
            await phone.press("Use passkey")
            await expect(phone.heading("Approved")).to_be_visible()
            await phone.press("Done")
            claims = claims_of((await client.poll(auth_req_id)).json()["id_token"])
            assert "pin" not in claims["amr"]
        await phone.settings("Passkeys")
        await phone.press("Remove")
        await phone.page.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
        await expect(phone.page.get_by_text("The passkey was removed.")).to_be_visible()


async def add_passkey(phone: PhoneScreens) -> None:
    """Add one in the settings, and go back to the overview."""
    await virtual_authenticator(phone.page)
    await phone.settings("Passkeys")
    await expect(phone.page.get_by_text("There is no passkey on this phone yet.")).to_be_visible()
    await phone.press("Add a passkey")
    await phone.is_accessible()
    await phone.type_pin(PIN)
    await expect(phone.page.get_by_text("The passkey was added.")).to_be_visible()
    await phone.is_accessible()
    await phone.press("Back")
    await phone.press("Back")


@pytest.mark.clause("sca-art4-10")
async def test_five_wrong_pins_lock(
    start_phone_service: PhoneService, web_phone: WebPhone, open_page: PageOpener
):
    """Attempts are counted down, the last has to wait, and then the bank must unlock."""
    limits = {"limits": {"last_attempt_pause": 60}}
    async with (
        start_phone_service(sections=limits) as service,
        web_phone.serving(service.issuer) as address,
    ):
        await lock(service, PhoneScreens(await with_clock(open_page, address)))


async def lock(service: RunningService, phone: PhoneScreens) -> None:
    """Type a wrong PIN until nothing can be approved any more."""
    page = phone.page
    await phone.enrolled(await service.activation_code("alice"))
    auth_req_id = await service.till.started()
    await phone.open_request()
    await phone.press("Approve")
    for left in ("4 attempts", "3 attempts", "2 attempts", "1 attempt"):
        await phone.type_pin(WRONG_PIN)
        await expect(page.get_by_text(f"That was not right. {left} left.")).to_be_visible()
    await expect(page.get_by_text("After one more wrong attempt")).to_be_visible()
    await phone.type_pin(WRONG_PIN)
    await expect(page.get_by_text("Only one attempt is left.")).to_be_visible()
    await expect(page.get_by_label("PIN", exact=True)).to_be_disabled()
    await phone.is_accessible()
    service.clock.advance(61)
    await page.clock.fast_forward(61_000)
    await phone.type_pin(WRONG_PIN)
    await expect(phone.heading("Approvals are locked")).to_be_visible()
    await phone.is_accessible()
    await phone.press("Done")
    await expect(
        page.get_by_text("Approvals are locked. Your bank can unlock them.")
    ).to_be_visible()
    assert await outcome(service.till, auth_req_id) == "access_denied"


async def test_time_runs_out_while_looking(
    open_page: PageOpener, phone_service_and_page: ServiceAndPage
):
    """The sheet says that the time is up; it is never replaced by the request that waits behind."""
    service, address = phone_service_and_page
    page = await with_clock(open_page, address)
    phone = PhoneScreens(page)
    await phone.enrolled(await service.activation_code("alice"))
    await service.till.started(requested_expiry=60)
    await phone.open_request()
    await service.clients["till"].started(binding_message="B2")
    await phone.press("Approve")
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 61"))
    await expect(phone.heading("The time is up")).to_be_focused()
    # Another phone may have answered, of which this one has not heard.
    await expect(page.get_by_text("Nothing was approved here.")).to_be_visible()
    # The next digit of a PIN would close the sheet, and the one after open what is behind.
    await expect(phone.button("Done")).to_be_disabled()
    await page.clock.resume()
    await expect(phone.button("Done")).to_be_enabled()
    await phone.is_accessible()
    await phone.press("Done")
    await expect(phone.button("Shop till")).to_have_count(1)
