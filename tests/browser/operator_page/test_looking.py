"""What operators see, by whichever way they look: live, by keyboard, by ear, on a small screen."""

import re
from typing import Any

import pytest
from playwright.async_api import expect

from ciba_service.protocol.operators.problems import Problem
from ciba_service.sca.messages import transaction_id
from tests.browser.conftest import DESKTOP, LARGE_TEXT, PHONE, ContextOpener
from tests.browser.operator_page.driven import OperatorPage, operator_page
from tests.browser.watched import Watch, accessibility_violations
from tests.services.running_service import RunningService
from tests.wire.operator import WRITER
from tests.wire.registration import registered

VIEWS = (
    "overview", "transactions", "users", "users/alice", "phones", "deliveries", "clients",
    "clients/till", "events", "evidence",
)  # fmt: skip


@pytest.mark.parametrize(
    ("scheme", "viewport"), [("light", DESKTOP), ("dark", PHONE), ("light", LARGE_TEXT)]
)
async def test_every_view_is_for_everybody(
    service: RunningService,
    tokens: dict[str, str],
    new_context: ContextOpener,
    scheme: str,
    viewport: dict[str, int],
):
    """Nothing is kept from those who cannot see it, and nothing is wider than the screen."""
    phone = await service.enrolled_phone("alice", "Pixel")
    await registered(service, client_name="W" * 60)
    approved = transaction_id(await service.till.started())
    await phone.approve_next()
    await service.till.started()
    (challenge,) = await phone.fetch()
    await phone.decide(phone.approval(challenge, pin=False))
    options: dict[str, Any] = {"color_scheme": scheme, "viewport": viewport}
    async with operator_page(service, tokens, new_context, **options) as console:
        page = console.page
        await console.open()
        await page.get_by_label("Operator token").wait_for()
        assert await accessibility_violations(page) == []
        await console.sign_in()
        for view in (*VIEWS, f"transactions/{approved}"):
            await page.evaluate("(view) => { location.hash = `#/${view}`; }", view)
            await expect(page.locator("main [aria-busy]")).to_have_count(0)
            assert await accessibility_violations(page) == [], view
            wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, view
        await page.evaluate("location.hash = '#/users/alice'")
        await console.button("Reset").click()
        assert await accessibility_violations(page) == []


async def test_the_console_is_worked_by_keyboard(console: OperatorPage):
    """Whoever looks at a list that is drawn anew stays where they were."""
    service, page = console.service, console.page
    await service.enrolled_phone("alice")
    first = transaction_id(await service.till.started())
    await console.open("#/transactions")
    await console.sign_in()
    link = page.get_by_role("link", name=first)
    await link.focus()
    second = transaction_id(await service.till.started())
    await page.get_by_role("link", name=second).wait_for()
    await expect(link).to_be_focused()
    await page.get_by_role("row", name=first).get_by_role("button").focus()
    await page.keyboard.press("Enter")
    dialog = console.dialog()
    for name in ("Go back", "Cancel the request", "Go back"):
        await expect(dialog.get_by_role("button", name=name, exact=True)).to_be_focused()
        await page.keyboard.press("Tab")
        if name == "Cancel the request":
            # The browser's own controls come between the last and the first.
            await page.keyboard.press("Tab")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_role("row", name=first).get_by_role("button")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("row", name=first)).to_have_count(0)
    await expect(page.locator("h1")).to_be_focused()
    await page.get_by_role("button", name="Skip to the content").focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Overview")
    assert await page.title() == "Overview · CIBA operations"


async def test_events_are_seen_as_they_come(console: OperatorPage, watch: Watch):
    """By kind and by how bad they are; while it is paused nothing moves, and nothing is lost."""
    watch.expect("401")
    service, page = console.service, console.page
    await service.enrolled_phone("alice")
    await service.service.events.flush()
    await console.open("#/events")
    await console.sign_in()
    rows = page.locator(".events li")
    await expect(rows).to_have_text([re.compile("Phone enrolled")])
    await console.button("Pause").click()
    await expect(console.button("Pause")).to_have_attribute("aria-pressed", "true")
    await console.operators.ask("GET", "/users", by=None, headers={"authorization": "Bearer no"})
    await console.operators.ask("POST", "/users/alice/unlock")
    await service.service.events.flush()
    kinds = page.get_by_label("Kind").locator("option")
    await expect(kinds).to_have_text(
        [
            "all", "Factors unlocked", "Operator authentication failed", "Operator wrote",
            "Phone enrolled",
        ]
    )  # fmt: skip
    await expect(rows).to_have_count(1)
    await console.button("Pause").click()
    await expect(rows).to_have_count(4)
    await page.get_by_label("At least").select_option("alert")
    await expect(rows).to_have_text([re.compile("Operator authentication failed")])
    await page.get_by_label("At least").select_option("info")
    await page.get_by_label("Kind").select_option("Operator wrote")
    await expect(rows).to_have_text([re.compile(f"users unlock.*{WRITER}")])
    await page.reload()
    await expect(rows).to_have_text([re.compile("Operator wrote")])
    assert page.url.endswith("#/events?kind=operator_wrote")


async def test_users_are_searched_for(console: OperatorPage):
    """The search stands in the address; whoever searches stays in the field."""
    page = console.page
    await console.open("#/users")
    await console.sign_in()
    field = page.get_by_label("Part of the user's name")
    await expect(page.get_by_role("row")).to_have_count(3)
    await field.fill("BO")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("row")).to_have_count(2)
    assert page.url.endswith("#/users?search=BO")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("BO")
    await field.fill("nobody")
    await console.button("Search").click()
    await console.see("No user has this in the name.")
    for nowhere in ("#/nowhere", "#/users/alice/phones", "#/evidence/1", "#/users/..", "#/users/%"):
        await console.open(nowhere)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.get_by_text("alice")).to_have_count(0)


RULES = """async () => {
    const from = (name) => import(`/operator/page/${name}.js`);
    const { parseRoute, place } = await from("shell/route");
    const { spelt } = await from("parts/datum");
    const { duration } = await from("parts/instant");
    const { parseEvent } = await from("api/event_stream");
    const { PROBLEM_CODES } = await from("api/refusal");
    const { resource, withQuery } = await from("api/paths");
    const refused = (name) => { try { resource("users", name); } catch (it) { return it.code; } };
    return {
        codes: [...PROBLEM_CODES],
        route: parseRoute(place("users", "a/b ü%")).names,
        broken: parseRoute("#/users/%E0%A4%A").view,
        empty: parseRoute("").view,
        spelt: spelt("a\\u202eb\\u0000\\u200b"),
        cut: spelt("x".repeat(5000)).length,
        durations: [0, 59, 60, 61, 3600, 3661, 86400, 90000].map(duration),
        event: parseEvent("id: 7\\nevent: denied\\ndata: {\\"a\\":1}"),
        nothing: [parseEvent(":"), parseEvent("event: only")],
        path: withQuery(resource("users", "a/b?c#d"), { cursor: "+&", search: "", locked: null }),
        climbing: ["", ".", ".."].map(refused),
    };
}"""


async def test_the_rules_of_the_page(console: OperatorPage):
    """Every refusal has its sentence, and nothing that is sent climbs or hides."""
    await console.open()
    told = await console.page.evaluate(RULES)
    assert set(told.pop("codes")) == {each.code for each in Problem} | {"offline"}
    assert told == {
        "route": ["a/b ü%"],
        "broken": "overview",
        "empty": "overview",
        "spelt": "a⟨U+202E⟩b⟨U+0000⟩⟨U+200B⟩",
        "cut": 301,
        "durations": [
            "0 s",
            "59 s",
            "1 min",
            "1 min 1 s",
            "1 h 0 min",
            "1 h 1 min",
            "1 d 0 h",
            "1 d 1 h",
        ],
        "event": {"name": "denied", "data": {"a": 1}, "number": "7"},
        "nothing": [None, None],
        "path": "/operator/users/a%2Fb%3Fc%23d?cursor=%2B%26",
        "climbing": ["not_found"] * 3,
    }
