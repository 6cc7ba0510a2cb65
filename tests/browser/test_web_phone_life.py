"""What happens to a web phone beside approvals: links, other phones, lost connections, settings."""

import asyncio
import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import ContextOpener, PageOpener
from tests.browser.phone_screens import PIN, PhoneScreens
from tests.browser.watched import Watch
from tests.browser.web_phone import PhoneService, WebPhone
from tests.services.running_service import RunningService
from tests.wire.resource import PAYMENT

ServiceAndPage = tuple[RunningService, str]
SIX_DIGITS = re.compile(r"^\d{3} \d{3}$")


async def shown_code(page: Page) -> str:
    """The comparison code of a phone that waits."""
    code = page.get_by_text(re.compile(r"\d{3} \d{3}$"))
    await expect(code).to_be_visible()
    return (await code.inner_text()).rpartition(":")[2].strip()


async def test_a_further_phone_by_a_link(
    alice: PhoneScreens, new_context: ContextOpener, watch: Watch
):
    """The first phone makes a link, lets the second in by its code, and later removes it."""
    watch.expect("403")  # What a phone hears that does not count yet, or no more.
    await alice.settings("Phones")
    await alice.press("Add a phone")
    await alice.type_pin()
    link = await alice.page.get_by_text(re.compile(r"#")).inner_text()
    await alice.is_accessible()
    await alice.press("Done")
    await alice.press("Back")
    await alice.press("Back")

    page = await (await new_context()).new_page()
    await page.goto(link)
    tablet = PhoneScreens(page)
    await expect(page.get_by_text("Taken from your link.")).to_be_visible()
    assert page.url.endswith("/?phone=2")
    await tablet.enrol(None, name="Tablet")
    code = await shown_code(page)
    await tablet.is_accessible()

    await alice.button("A new phone wants in: Tablet").click()
    await alice.is_accessible()
    field = alice.page.get_by_label("Code on the new phone")
    await field.fill("000000" if code != "000 000" else "000001")
    await alice.press("Let it in")
    await alice.type_pin()
    await expect(alice.page.get_by_text("No phone that waits shows this code.")).to_be_visible()
    await field.fill(code)
    await alice.press("Let it in")
    await alice.type_pin()
    await expect(alice.heading("The new phone is yours")).to_be_visible()
    await alice.press("Done")
    await tablet.press("Go to the overview")
    await expect(page.get_by_text("Phone 2 · Tablet")).to_be_visible()

    await expect(alice.page.get_by_text("Nothing to approve")).to_be_visible()
    await expect(alice.page.get_by_text("A phone was added")).to_be_hidden()
    await alice.settings("Phones")
    await alice.is_accessible()
    await alice.press("Remove Tablet")
    await alice.type_pin()
    await expect(alice.page.get_by_text("Tablet was removed.")).to_be_visible()
    await expect(tablet.heading("This phone was removed")).to_be_visible()
    await tablet.is_accessible()
    await tablet.press("Set up again")
    await expect(tablet.heading("Set up this phone")).to_be_visible()


async def test_a_second_secret_that_was_mistyped(
    start_phone_service: PhoneService, web_phone: WebPhone, open_page: PageOpener, watch: Watch
):
    """Nobody says which of the two was wrong; both are still there to be mended."""
    watch.expect("400")
    async with (
        start_phone_service(device={"second_secret": True}) as service,
        web_phone.serving(service.issuer) as address,
    ):
        phone = PhoneScreens(await open_page(address))
        code = await service.activation_code("alice", "482913")
        secret = phone.page.get_by_label("Second secret")
        await secret.fill("482914")
        await phone.enrol(code)
        refusal = "Code or second secret were not accepted."
        await expect(phone.page.get_by_role("alert").get_by_text(refusal)).to_be_visible()
        await expect(phone.page.get_by_label("Activation code")).to_have_value(code)
        await phone.is_accessible()
        await secret.fill("482913")
        await phone.enrolled(code)


async def test_a_link_that_is_opened_where_the_page_is_already(
    open_page: PageOpener, phone_service_and_page: ServiceAndPage
):
    """Its code is taken, and stays neither in the address nor in the history."""
    _, address = phone_service_and_page
    page = await open_page(address)
    phone = PhoneScreens(page)
    await expect(phone.heading("Set up this phone")).to_be_visible()
    await page.goto(f"{address}#K7QM-2RXP-9D4T")
    await expect(page.get_by_text("Taken from your link.")).to_be_visible()
    assert page.url == address
    await page.go_back()
    assert "#" not in page.url
    await page.go_forward()
    assert "#" not in page.url


async def test_two_phones_race(
    alice: PhoneScreens,
    open_page: PageOpener,
    phone_service_and_page: ServiceAndPage,
    watch: Watch,
):
    """What one answers is withdrawn from the other, which says so while it is looked at."""
    service, address = phone_service_and_page
    watch.expect("403")
    page = await open_page(address)
    tablet = PhoneScreens(page)
    await tablet.enrol(await service.activation_code("alice"))
    await shown_code(page)
    await service.approve_waiting("alice")
    await tablet.press("Go to the overview")
    await service.till.started(authorization_details=[PAYMENT])
    await tablet.open_request()
    await alice.open_request()
    await tablet.press("Approve")
    await alice.press("Approve")
    await alice.type_pin()
    await expect(alice.heading("Approved")).to_be_visible()
    await expect(tablet.heading("Answered on another phone")).to_be_focused()
    await expect(tablet.button("Done")).to_be_enabled()
    await tablet.is_accessible()
    await tablet.press("Done")
    await expect(page.get_by_text("Nothing to approve")).to_be_visible()


async def test_a_phone_that_was_not_me(
    alice: PhoneScreens,
    open_page: PageOpener,
    phone_service_and_page: ServiceAndPage,
    watch: Watch,
):
    """It is turned away without a PIN, and says so."""
    service, address = phone_service_and_page
    watch.expect("403")
    thief = PhoneScreens(await open_page(address))
    await thief.enrol(await service.activation_code("alice"))
    await shown_code(thief.page)
    await alice.button("A new phone wants in").click()
    await alice.press("This was not me")
    await alice.press("Turn away and report")
    await expect(alice.heading("The new phone was turned away")).to_be_visible()
    await expect(thief.heading("This phone was not approved")).to_be_visible()


async def test_a_reload_a_lost_network_and_a_second_window(
    alice: PhoneScreens, phone_service_and_page: ServiceAndPage, watch: Watch
):
    """Whatever interrupts, nothing is lost, and the page says how things stand."""
    service, address = phone_service_and_page
    await survive_reloads(alice, service)
    watch.expect("ERR_INTERNET_DISCONNECTED")
    await survive_silence(alice, service)
    page = await alice.page.context.new_page()
    await page.goto(address)
    second = PhoneScreens(page)
    await expect(second.heading("This phone is open elsewhere")).to_be_visible()
    await second.is_accessible()
    await second.press("Use it here")
    await expect(page.get_by_text("Online", exact=True)).to_be_visible()
    await expect(alice.heading("This phone is open elsewhere")).to_be_visible()


async def survive_reloads(alice: PhoneScreens, service: RunningService) -> None:
    """The phone is there again, the request waits, and what was decided stays decided."""
    auth_req_id = await service.till.started()
    await alice.open_request()
    await alice.press("Approve")
    await alice.page.reload()
    await alice.open_request()
    await alice.press("Approve")
    await alice.type_pin()
    await expect(alice.heading("Approved")).to_be_visible()
    await alice.page.reload()
    await expect(alice.page.get_by_role("listitem")).to_contain_text("Approved")
    assert "access_token" in (await service.till.poll(auth_req_id)).json()


async def survive_silence(alice: PhoneScreens, service: RunningService) -> None:
    """The page says that it is offline; an answer that found no way is said to be unsure."""
    auth_req_id = await service.till.started()
    await alice.open_request()
    await alice.press("Approve")
    await alice.page.context.set_offline(True)
    await alice.type_pin()
    await expect(alice.heading("Not confirmed yet")).to_be_visible()
    await alice.is_accessible()
    await alice.press("Back to the overview")
    await expect(alice.page.get_by_text("You are offline.")).to_be_visible()
    await expect(alice.button("Shop till")).to_contain_text("not confirmed yet")
    await alice.is_accessible()
    await alice.page.context.set_offline(False)
    await expect(alice.page.get_by_text("Nothing to approve")).to_be_visible()
    await expect(alice.page.get_by_role("listitem").first).to_contain_text("Approved")
    assert "access_token" in (await service.till.poll(auth_req_id)).json()


async def test_an_answer_that_came_too_late(
    alice: PhoneScreens, phone_service_and_page: ServiceAndPage, watch: Watch
):
    """Whoever still looks at the request reads it there, whoever does not on the overview.

    Which sentence it is depends on which word comes first: that of the answer, or of the request.
    """
    service, _ = phone_service_and_page
    watch.expect("ERR_INTERNET_DISCONNECTED")
    notice = alice.page.get_by_role("listitem").get_by_text(
        re.compile(
            r"Shop till: (your answer came too late and does not count|withdrawn by the client)\."
        )
    )
    for looks in (True, False):
        auth_req_id = await service.till.started()
        await alice.open_request()
        await alice.press("Approve")
        await alice.page.context.set_offline(True)
        await alice.type_pin()
        await expect(alice.heading("Not confirmed yet")).to_be_visible()
        if not looks:
            await alice.press("Back to the overview")
        await service.till.cancel(auth_req_id)
        await alice.page.context.set_offline(False)
        if looks:
            await expect(alice.heading("The request is over")).to_be_visible()
            await alice.press("Done")
            await expect(alice.page.get_by_text("Online", exact=True)).to_be_visible()
            await expect(notice).to_have_count(0)
        else:
            await expect(notice).to_be_visible()
            await alice.is_accessible()
    await expect(alice.page.get_by_text("Nothing to approve")).to_be_visible()


async def test_what_is_under_way_when_its_dialog_is_closed(alice: PhoneScreens):
    """It is done all the same: so is what it leads to."""
    page = alice.page
    closed = asyncio.Event()

    async def hold(route: Route) -> None:
        await closed.wait()
        await route.continue_()

    await alice.settings("Phones")
    await expect(alice.button("Add a phone")).to_be_visible()
    await page.route("**/device/messages", hold)
    await alice.press("Add a phone")
    await alice.type_pin()
    await expect(page.get_by_role("dialog").get_by_text("One moment")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    closed.set()
    await expect(page.get_by_role("dialog").get_by_text("Activation code")).to_be_visible()


async def test_a_change_of_the_pin_that_nobody_heard(alice: PhoneScreens, watch: Watch):
    """The page says that it is not known which PIN counts, asks for none, and then says which."""
    page = alice.page
    watch.expect("ERR_FAILED|ERR_INTERNET_DISCONNECTED")

    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort()

    await alice.settings("Change PIN")
    await page.route("**/device/messages", lose)
    await alice.type_pin()
    for question in ("Choose a PIN", "Repeat the PIN"):
        await expect(page.get_by_text(question)).to_be_visible()
        await alice.type_pin("905172")
    pending = page.get_by_text("A change of your PIN is under way.")
    await expect(pending).to_be_visible()
    await expect(page.get_by_label("PIN", exact=True)).to_have_count(0)
    await page.context.set_offline(True)
    await page.unroute_all(behavior="wait")
    await page.context.set_offline(False)
    await expect(page.get_by_text("Your PIN was changed.")).to_be_visible()
    await expect(page.get_by_label("PIN", exact=True)).to_be_enabled()
    await alice.is_accessible()


TRY_NOW = """() => {
    const buttons = [...document.querySelectorAll("button")];
    buttons.find((each) => each.textContent.includes("Try now"))?.click();
}"""


async def test_the_service_is_restarted(
    start_phone_service: PhoneService, web_phone: WebPhone, open_page: PageOpener
):
    """The page says that it cannot reach it and tries again by itself, or at once."""
    async with start_phone_service() as service, web_phone.serving(service.issuer) as address:
        phone = PhoneScreens(await open_page(address))
        await phone.enrolled(await service.activation_code("alice"))
        port, clock = int(service.issuer.rpartition(":")[2]), service.clock
    await expect(phone.page.get_by_text("The service cannot be reached.")).to_be_visible()
    async with start_phone_service(port=port, clock=clock) as service:
        # Pressed where it is still there: the phone may have been faster by itself.
        await phone.page.evaluate(TRY_NOW)
        await expect(phone.page.get_by_text("Online", exact=True)).to_be_visible()
        await service.till.started()
        await phone.open_request()


async def test_everything_by_keyboard(
    open_page: PageOpener, phone_service_and_page: ServiceAndPage
):
    """Set up, approve and leave with Tab, Enter and digits; Escape goes one step back."""
    service, address = phone_service_and_page
    page = await open_page(address)
    phone = PhoneScreens(page)
    keys = page.keyboard
    await expect(phone.heading("Set up this phone")).to_be_focused()
    await keys.press("Tab")
    await keys.type(await service.activation_code("alice"))
    await keys.press("Enter")
    await expect(phone.heading("Name this phone")).to_be_focused()
    await keys.press("Tab")
    await keys.press("Enter")
    for heading in ("Choose a PIN", "Repeat the PIN"):
        await expect(phone.heading(heading)).to_be_visible()
        await keys.type(PIN)
        await keys.press("Enter")
    await expect(phone.heading("This phone is ready")).to_be_focused()
    await keys.press("Tab")
    await keys.press("Enter")
    await expect(page.get_by_text("Online", exact=True)).to_be_visible()
    await service.till.started()
    card = phone.button("Shop till")
    await expect(card).to_be_visible()
    await keys.press("Tab")
    await keys.press("Tab")
    await expect(card).to_be_focused()
    await keys.press("Enter")
    await expect(phone.heading("Confirm sign-in")).to_be_focused()
    await expect(phone.button("Approve")).to_be_enabled()
    await phone.button("Approve").focus()
    await keys.press("Enter")
    await keys.type("74")
    await keys.press("Escape")
    await expect(phone.heading("Confirm sign-in")).to_be_focused()
    await keys.press("Escape")
    await expect(card).to_be_focused()
    await keys.press("Enter")
    await expect(phone.button("Approve")).to_be_enabled()
    await phone.button("Approve").focus()
    await keys.press("Enter")
    await keys.type(PIN)
    await keys.press("Enter")
    await expect(phone.heading("Approved")).to_be_focused()
    await keys.press("Tab")
    await keys.press("Enter")
    await expect(page.get_by_text("Nothing to approve")).to_be_visible()


async def test_the_focus_stays_where_rows_are_taken_away(
    alice: PhoneScreens, phone_service_and_page: ServiceAndPage
):
    """It goes to the neighbour, and from the last one to the heading."""
    service, _ = phone_service_and_page
    page, keys, card = alice.page, alice.page.keyboard, alice.button("Shop till")
    for _ in range(2):
        auth_req_id = await service.till.started()
        await expect(card).to_be_visible()
        await service.till.cancel(auth_req_id)
        await expect(card).to_be_hidden()
    left = page.get_by_role("listitem").filter(has_text="withdrawn by the client")
    await alice.button("Dismiss").first.focus()
    await keys.press("Enter")
    await expect(left).to_have_count(1)
    await expect(left).to_be_focused()
    await keys.press("Tab")
    await keys.press("Tab")
    await keys.press("Enter")
    await expect(left).to_have_count(0)
    await expect(alice.heading("Approvals")).to_be_focused()


@pytest.mark.clause("ciba-15-2")
async def test_the_settings(alice: PhoneScreens, phone_service_and_page: ServiceAndPage):
    """Name, PIN, login name, language, and giving the phone up."""
    service, _ = phone_service_and_page
    page = alice.page
    await alice.settings("Phones")
    await page.get_by_label("New name").fill("Old phone")
    await alice.press("Save")
    await expect(page.get_by_text("Renamed.")).to_be_visible()
    await expect(alice.heading("Phones")).to_be_focused()
    await alice.press("Back")
    await alice.is_accessible()
    await alice.button("Change PIN").click()
    await alice.type_pin()
    for question in ("Choose a PIN", "Repeat the PIN"):
        await expect(page.get_by_text(question)).to_be_visible()
        await alice.type_pin("905172")
    await expect(page.get_by_text("Your PIN is changed.")).to_be_visible()
    await expect(alice.heading("Change PIN")).to_be_focused()
    await alice.press("Back")
    await alice.button("Login name for once").click()
    await alice.press("Make a name")
    handle = await page.get_by_text(re.compile("^ciba-handle:")).inner_text()
    await alice.press("Back")
    await service.till.started(login_hint=handle)
    used = await service.till.start(login_hint=handle)
    assert used.json()["error"] == "unknown_user_id"
    await alice.button("Lasting access").click()
    await expect(page.get_by_text("Nobody has lasting access.")).to_be_visible()
    await alice.press("Back")
    await alice.button("About this phone").click()
    await expect(page.get_by_text(service.issuer)).to_be_visible()
    await alice.is_accessible()
    await alice.press("Back")
    await page.get_by_label("Language").select_option("de")
    german = page.get_by_role("button", name="Shop till")
    await expect(page.get_by_text("Wartet auf Sie")).to_be_visible()
    await german.click()
    await expect(page.get_by_role("dialog").get_by_text("Asked by")).to_be_visible()
    await alice.press("Approve")
    await alice.type_pin("905172")
    await expect(alice.heading("Approved")).to_be_visible()
    await alice.press("Done")
    await alice.press("Einstellungen")
    await alice.button("Telefone").click()
    await alice.press("Dieses Telefon aufgeben")
    question = page.get_by_role("alertdialog")
    await question.get_by_role("button", name="Dieses Telefon aufgeben").click()
    await expect(alice.heading("Dieses Telefon wurde aufgegeben")).to_be_visible()
