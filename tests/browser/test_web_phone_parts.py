"""Small parts of the web phone's screens, each by many cases in one page."""

from pathlib import Path

from playwright.async_api import Page, ViewportSize, expect

from tests.browser.conftest import LARGE_TEXT, PageOpener
from tests.browser.phone_screens import PhoneScreens
from tests.browser.watched import Watch, accessibility_violations
from tests.browser.web_phone import PhoneService, WebPhone
from tests.png import png
from tests.services.running_service import RunningService
from tests.wire.client import WireClient

ServiceAndPage = tuple[RunningService, str]
NARROW: ViewportSize = {"width": 320, "height": 640}
LONG = "W" * 70
PURE = """async () => {
  const { codeOfLink, isActivationCode } = await import("./screens/enrol/activation-code.js");
  const { initials } = await import("./parts/avatar.js");
  const { chosenLanguage } = await import("./words/language.js");
  const { clockTime, dayOf, remaining } = await import("./words/times.js");
  const { TimeCalls } = await import("./screens/approval/time-calls.js");
  const { en } = await import("./words/en.js");
  const now = new Date(2026, 10, 21, 0, 30).getTime();
  const calls = new TimeCalls();
  const clock = (language) => {
    Object.defineProperty(navigator, "languages", { value: [language], configurable: true });
    return [now + 30_000_000, now + 70_200_000].map((at) => clockTime(at, en).replace(/\\s/, " "));
  };
  return {
    codes: ["K7QM-2RXP-9D4T", "k7qm 2rxp 9d4t", "oilo-0000-0000", "K7QM", "U7QM-2RXP-9D4T", "<b>"]
      .map(isActivationCode),
    links: ["#k7qm2rxp9d4t", "#IL00-0000-0000", "#K7QM", "", "#phone=2"].map(codeOfLink),
    initials: ["Corner Shop", "bank", "Österreichische Post AG", "  -- ", "7-Eleven", "Ж"]
      .map(initials),
    languages: [["fr", "de-AT", "en"], ["en-GB"], ["fr"], [], ["EN-us", "de"]].map(chosenLanguage),
    times: [0, -5, 999, 60_000, 725_000].map(remaining),
    days: [now, now - 3_600_000, now - 90_000_000].map((at) => dayOf(at, now, en)),
    clocks: [clock("en-GB"), clock("en-US")],
    called: [180, 61, 60, 59, 30, 29, 10, 9, 1].filter((left) => calls.isDue(left)),
  };
}"""


async def test_codes_names_languages_and_times(
    open_page: PageOpener, phone_service_and_page: ServiceAndPage
):
    """What people type and browsers say is read as it is meant, and times as people write them."""
    _, address = phone_service_and_page
    page = await open_page(address, locale="en-GB")
    assert await page.evaluate(PURE) == {
        "codes": [True, True, True, False, True, False],
        "links": ["K7QM-2RXP-9D4T", "1100-0000-0000", None, None, None],
        "initials": ["CS", "B", "ÖA", "?", "7", "Ж"],
        "languages": ["de", "en", "en", "en", "en"],
        "times": ["0:00", "0:00", "0:01", "1:00", "12:05"],
        "days": ["Today", "Yesterday", "19 November 2026"],
        "clocks": [["08:50", "20:00"], ["8:50 AM", "8:00 PM"]],
        "called": [60, 30, 10],
    }


async def test_a_logo_and_long_texts_in_a_narrow_window(
    start_phone_service: PhoneService, web_phone: WebPhone, open_page: PageOpener, tmp_path: Path
):
    """The signed logo is shown, and whatever is asked for stands within the window."""
    logo = tmp_path / "logo.png"
    logo.write_bytes(png())
    shop = WireClient("shop", metadata={"client_name": LONG, "logo_file": str(logo)})
    detail = {
        "type": "payment_initiation",
        "instructedAmount": {"currency": "EUR", "amount": "123456789012.34"},
        "creditorName": "Unterwasserschweissgeraetereparaturwerkstattgesellschaft mbH & Co",
        "creditorAccount": {"iban": "DE89370400440532013000"},
        "remittanceInformationUnstructured": "X" * 140,
    }
    async with (
        start_phone_service(clients=[shop]) as service,
        web_phone.serving(service.issuer) as address,
    ):
        phone = PhoneScreens(await open_page(address, viewport=NARROW))
        await phone.enrolled(await service.activation_code("alice"), name="X" * 64)
        await shop.started(authorization_details=[detail], binding_message="W" * 100)
        await expect(phone.button(LONG)).to_be_visible()
        await fits(phone.page)
        await phone.open_request(LONG)
        shown = phone.page.get_by_role("dialog").locator(".asker img")
        await expect(shown).to_have_js_property("naturalWidth", 2)
        await fits(phone.page)
        await phone.press("Approve")
        await fits(phone.page)
        await phone.type_pin()
        await expect(phone.heading("Approved")).to_be_visible()
        await fits(phone.page)
        await phone.press("Done")
        await fits(phone.page)
        auth_req_id = await shop.started()
        await phone.open_request(LONG)
        await phone.press("This was not me")
        await fits(phone.page)
        await phone.press("Cancel")
        await shop.cancel(auth_req_id)
        await expect(phone.heading("The request was withdrawn")).to_be_visible()
        await phone.press("Done")
        await fits(phone.page)
        await phone.press("This was not me")
        await fits(phone.page)


async def fits(page: Page) -> None:
    """Nothing is wider than the window (WCAG 1.4.10), with text twice as large as well (1.4.4)."""
    wide = """() => [...document.querySelectorAll("body *")]
      .filter((each) => each.getBoundingClientRect().right > innerWidth + 1
        || (each.matches("h1, h2, button") && each.scrollWidth > each.clientWidth + 1))
      .map((each) => each.outerHTML.slice(0, 120))"""
    for size in (LARGE_TEXT, NARROW):
        await page.set_viewport_size(size)
        assert await page.evaluate(wide) == []


async def test_a_link_on_a_phone_that_needs_none(
    alice: PhoneScreens, phone_service_and_page: ServiceAndPage
):
    """It is offered for the next phone of the browser, where the code is filled in."""
    _, address = phone_service_and_page
    await alice.page.goto("about:blank")
    await alice.page.goto(f"{address}#K7QM-2RXP-9D4T")
    dialog = alice.page.get_by_role("alertdialog", name="This phone is set up already")
    await expect(dialog).to_be_visible()
    assert "#" not in alice.page.url
    await alice.press("Set up a further phone")
    await expect(alice.page.get_by_label("Activation code")).to_have_value("K7QM-2RXP-9D4T")
    assert alice.page.url.endswith("/?phone=2")
    await alice.page.goto(address)
    await alice.settings("About this phone")
    await expect(alice.page.get_by_role("link", name="Open a further phone")).to_be_visible()


async def test_what_keeps_a_phone_from_starting(
    open_page: PageOpener, phone_service_and_page: ServiceAndPage, watch: Watch
):
    """Each is a page that says what is wrong and, where something can be done, what."""
    _, address = phone_service_and_page
    watch.expect("503|ERR_|unavailable")
    page = await open_page("about:blank")
    await page.route("**/configuration.json", lambda route: route.fulfill(status=503))
    await page.goto(address)
    await expect(page.get_by_role("heading", name="The phone cannot start")).to_be_visible()
    assert await accessibility_violations(page) == []
    await page.unroute("**/configuration.json")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", name="Set up this phone")).to_be_visible()

    for lacking, heading in (
        ("indexedDB.open = () => { throw new DOMException('no') }", "This browser keeps nothing"),
        # What Chromium says where site data is blocked.
        (
            "navigator.locks.request = () => Promise.reject(new DOMException('', 'SecurityError'))",
            "This browser keeps nothing",
        ),
        ("delete Promise.withResolvers", "This browser is too old"),
        ("delete Map.groupBy", "This browser is too old"),
    ):
        page = await open_page("about:blank")
        await page.add_init_script(lacking)
        await page.goto(address)
        await expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert await accessibility_violations(page) == []


async def test_a_long_code_is_typed_whole(
    open_page: PageOpener, phone_service_and_page: ServiceAndPage
):
    """A configuration for development may preset one of 64 letters, in groups."""
    page = await open_page(phone_service_and_page[1])
    code = "-".join(["LONG"] * 16)
    field = page.get_by_label("Activation code")
    await field.press_sequentially(code)
    await expect(field).to_have_value(code)
