"""The playground in a browser: flows in each mode, looked at message by message."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import DESKTOP, LARGE_TEXT, PageOpener
from tests.browser.playground_stage import Stage, passed_until, staged, wire_client
from tests.browser.watched import Watch, accessibility_violations
from tests.services.service_fixtures import ServiceRunner
from tests.wire.signing import claims_of

BEYOND_THE_EDGE = """() => [...document.querySelectorAll("body *")]
    .filter((each) => document.documentElement.scrollWidth > innerWidth)
    .filter((each) => each.getBoundingClientRect().right > innerWidth)
    .map((each) => each.outerHTML.slice(0, 200))"""


async def words_and_times_read_well(page: Page) -> None:
    """The pure parts of the page, case by case."""
    cases: dict[str, Any] = await page.evaluate(
        """async () => {
            const { duration, timeLeft } = await import("/words.js");
            const { readOrder } = await import("/order/reading.js");
            const form = new FormData();
            form.set("client", "till");
            form.set("purpose", "payment");
            form.set("amount", "1.00");
            form.set("requested_expiry", "30");
            return {
                durations: [0, 0.0124, 2.5, 180.4].map(duration),
                left: [61, 0.2, -5].map(timeLeft),
                order: readOrder(form),
            };
        }"""
    )
    assert cases["durations"] == ["0 ms", "12 ms", "2.50 s", "180 s"]
    assert cases["left"] == ["1:01", "0:01", "0:00"]
    assert cases["order"]["payment"]["amount"] == "1.00"
    assert cases["order"]["requested_expiry"] == 30
    assert "authorization_details" not in cases["order"]


@pytest.fixture
async def stage(run_service: ServiceRunner, tmp_path: Path) -> AsyncIterator[Stage]:
    """A playground with three clients, a service, and alice's phone."""
    async with staged(run_service, tmp_path) as running:
        yield running


@pytest.fixture
async def page(stage: Stage, open_page: PageOpener) -> Page:
    """The page, ready."""
    opened = await open_page(stage.playground.address, viewport=DESKTOP)
    await expect(opened.get_by_role("status").first).to_have_text("Live")
    return opened


async def start(page: Page, client: str, **fields: str) -> None:
    """Fill in the form and start."""
    await page.get_by_label("Client", exact=True).select_option(client)
    values = {"login_hint": "alice", **fields}
    if purpose := values.pop("purpose", None):
        await page.get_by_label("What to approve").select_option(purpose)
    if any(name in values for name in ("requested_expiry, seconds", "acr_values")):
        await page.locator("summary", has_text="More parameters").click()
    if (binding_message := values.pop("binding", None)) is not None:
        values["Binding message, shown on both devices"] = binding_message
    for label, value in values.items():
        await page.get_by_label(label, exact=True).fill(value)
    await page.get_by_role("button", name="Start").click()


def message(page: Page, label: str) -> Locator:
    """The message of the diagram with such a label."""
    return page.locator("#flow ol button", has_text=label)


async def state_is(page: Page, state: str) -> None:
    """The chosen flow stands so."""
    await expect(page.locator(".flow-head .chip").first).to_have_text(state)


async def test_a_push_from_the_form_to_each_claim(stage: Stage, page: Page):
    """A payment is asked for, shown on the phone, approved, pushed, looked at; reload."""
    await expect(page.get_by_role("heading", name="See what a request does")).to_be_visible()
    await expect(page.get_by_label("login_hint", exact=True)).to_have_value("alice")
    assert await accessibility_violations(page) == []
    await start(page, "bookshop", purpose="payment", Payee="Corner Shop Ltd")
    await state_is(page, "Waiting for the user")
    await expect(page.get_by_text("left", exact=False).first).to_be_visible()
    await message(page, "Request stored").wait_for()
    async with stage.phone.online() as socket:
        challenge = socket.first[0]["challenge"]
        transaction = claims_of(challenge)["transaction_id"]
        await socket.send({"type": "received", "transaction_id": transaction})
        await socket.send({"type": "shown", "transaction_id": transaction})
        await passed_until(stage, message(page, "Shown to the user"))
        await socket.decide(stage.phone.approval(challenge))
    await state_is(page, "Tokens received")
    await message(page, "Push: tokens").click()
    panel = page.get_by_role("complementary", name="Chosen message")
    await expect(panel.get_by_role("heading", name="Notification")).to_be_focused()
    await expect(
        panel.get_by_text("Signature verified: the provider's published key.")
    ).to_have_count(2)
    at_hash = panel.get_by_text("Half the hash of the access token: the two belong together.")
    await expect(at_hash).to_be_visible()
    await expect(panel.get_by_text("The request that this push answers.")).to_be_visible()
    await expect(panel.get_by_label("Raw request")).to_contain_text("Bearer ")
    assert await accessibility_violations(page) == []
    await page.reload()
    await state_is(page, "Tokens received")
    await expect(message(page, "Push: tokens")).to_be_visible()
    assert "#" not in page.url
    await words_and_times_read_well(page)


async def test_polls_one_by_one_and_what_tokens_are_good_for(stage: Stage, page: Page):
    """Polls are folded; userinfo and receipt are shown; curl and the program can be copied."""
    await start(page, "till", binding="7")
    await state_is(page, "Waiting for the user")
    await passed_until(stage, message(page, "2 \N{MULTIPLICATION SIGN} Token request"))
    await stage.phone.approve_next()
    await passed_until(stage, page.get_by_role("button", name="Userinfo", exact=True))
    await page.get_by_role("button", name="Userinfo", exact=True).click()
    await expect(message(page, "Client to Resource: Userinfo").last).to_be_visible()
    await page.get_by_role("button", name="Receipt", exact=True).click()
    await expect(page.locator("#flow .told")).to_contain_text("verified")
    await message(page, "\N{MULTIPLICATION SIGN} Token request").click()
    panel = page.get_by_role("complementary", name="Chosen message")
    await expect(panel.get_by_label("Which one")).to_be_visible()
    await panel.get_by_label("Which one").select_option(index=0)
    await expect(panel.get_by_text("ask again after the interval", exact=False)).to_be_visible()
    await expect(panel.get_by_role("heading", name="DPoP proof")).to_be_visible()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await panel.get_by_role("button", name="Copy as curl").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("sent again they are refused")
    await dialog.get_by_role("button", name="Copy").click()
    await expect(dialog.get_by_role("status")).to_have_text("Copied.")
    assert (await page.evaluate("navigator.clipboard.readText()")).startswith("curl --include")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Copy as Python").click()
    await expect(dialog).to_contain_text("async with")
    assert await accessibility_violations(page) == []


async def test_an_endpoint_that_misbehaves_and_recovers(stage: Stage, page: Page, watch: Watch):
    """The switch is flipped while a ping flow runs, and back; in the dark; a lost connection."""
    await page.emulate_media(color_scheme="dark")
    switch = page.get_by_label("Notification endpoint answers")
    await switch.select_option("500")
    await start(page, "kiosk")
    await state_is(page, "Waiting for the user")
    await stage.phone.approve_next()
    await expect(message(page, "Service to Client: Ping")).to_contain_text("500")
    await switch.select_option("")
    await stage.again()
    await state_is(page, "Tokens received")
    await expect(message(page, "Service to Client: Ping")).to_have_count(2)
    last = message(page, "Service to Client: Ping").last
    await last.focus()
    await page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Chosen message")
    await expect(panel.get_by_role("heading", name="Notification")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()
    await expect(message(page, "Service to Client: Ping").last).to_be_focused()
    assert await accessibility_violations(page) == []
    watch.expect("stream|ERR_")
    await page.context.set_offline(True)
    stage.playground.flows.disconnect()
    await expect(page.get_by_role("status").first).to_have_text("Not connected")
    await page.context.set_offline(False)
    await expect(page.get_by_role("status").first).to_have_text("Live")
    await state_is(page, "Tokens received")


async def test_flows_that_end_otherwise_side_by_side(
    stage: Stage, page: Page, open_page: PageOpener, watch: Watch
):
    """Cancelled, denied, expired, refused: each says what it means; and who has no session."""
    await start(page, "bookshop", binding="cancel")
    await page.get_by_role("button", name="Cancel request").click()
    await state_is(page, "Cancelled")
    await start(page, "kiosk", binding="deny")
    await state_is(page, "Waiting for the user")
    (challenge,) = await stage.phone.fetch()
    await stage.phone.decide(stage.phone.denial(challenge))
    await state_is(page, "Denied")
    why = page.get_by_role("group", name="Why there are no tokens")
    await expect(why).to_contain_text("access_denied")
    await expect(why).to_contain_text("CIBA Core 1.0, 11")
    await start(page, "till", binding="expire", **{"requested_expiry, seconds": "10"})
    await state_is(page, "Waiting for the user")
    stage.bank.clock.advance(11)
    await state_is(page, "Expired")
    await start(page, "kiosk", login_hint="nobody", binding="refuse a stranger")
    await state_is(page, "Refused")
    await expect(why).to_contain_text("unknown_user_id")
    tabs = page.get_by_role("navigation", name="Flows").get_by_role("button")
    await expect(tabs).to_have_count(4)
    await tabs.filter(has_text="deny").click()
    await state_is(page, "Denied")
    await page.get_by_role("button", name="Forget").click()
    await expect(tabs).to_have_count(3)
    watch.expect("400")
    await page.get_by_label("What to approve").select_option("details")
    await page.get_by_label("authorization_details, JSON").fill("{")
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_role("alert")).to_contain_text("must be a JSON array")
    await page.get_by_label("Client", exact=True).select_option("kiosk")
    await page.get_by_label("Whom to ask by").select_option("id_token_hint")
    await expect(page.get_by_label("ID token of")).to_be_visible()
    assert await accessibility_violations(page) == []
    watch.expect("401")
    stranger = await open_page(stage.address)
    await expect(stranger.get_by_role("heading", name="This tab has no session")).to_be_visible()
    await stranger.goto(stage.playground.address)
    await expect(stranger.get_by_role("button", name="Start")).to_be_visible()
    assert await stranger.evaluate(BEYOND_THE_EDGE) == []
    names = stranger.locator(".flow-tab strong")
    await expect(names).to_have_text(["refuse a stranger", "expire", "cancel"])
    assert await names.evaluate_all(
        "all => all.every((name) => name.scrollWidth <= name.clientWidth)"
    )


async def test_text_twice_as_large_stands_within_the_window(page: Page):
    """Before there is a flow, and with a message of one that is looked at (WCAG 1.4.4)."""
    await page.set_viewport_size(LARGE_TEXT)
    await expect(page.get_by_role("heading", name="See what a request does")).to_be_visible()
    assert await page.evaluate(BEYOND_THE_EDGE) == []
    await start(page, "till", purpose="payment", Payee="Corner Shop Ltd")
    await message(page, "Request stored").click()
    await expect(page.get_by_role("complementary", name="Chosen message")).to_be_visible()
    assert await page.evaluate(BEYOND_THE_EDGE) == []


async def test_number_matching_is_shown_to_be_typed_on_the_phone(
    run_service: ServiceRunner, tmp_path: Path, open_page: PageOpener
):
    """As long as the user is waited for; what the page shows is what the phone must send."""
    till = wire_client("till", "poll", "", require_verification_code=True)
    async with staged(run_service, tmp_path, clients=[till]) as stage:
        page = await open_page(stage.playground.address, viewport=DESKTOP)
        await start(page, "till")
        told = page.get_by_text("Type this code on the phone:")
        code = await told.locator("strong").inner_text()
        (challenge,) = await stage.phone.fetch()
        await stage.phone.decide(stage.phone.approval(challenge, verification_code=code))
        await passed_until(stage, page.get_by_role("button", name="Receipt", exact=True))
        await state_is(page, "Tokens received")
        await expect(told).to_have_count(0)
