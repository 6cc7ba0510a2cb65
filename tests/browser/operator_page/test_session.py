"""Operators sign in with a token that the page forgets, and the session ends for all to see."""

from playwright.async_api import Page, expect

from tests.browser.operator_page.driven import OperatorPage
from tests.browser.watched import Watch
from tests.wire.operator import READER, WRITER

KEPT = """() => JSON.stringify([
    location.href, {...localStorage}, {...sessionStorage}, document.cookie,
    document.documentElement.outerHTML,
    [...document.querySelectorAll("input")].map((each) => each.value),
])"""


async def test_a_token_is_swapped_and_forgotten(console: OperatorPage, watch: Watch):
    """A wrong one is told; the right one is in no storage, address or field afterwards."""
    watch.expect("401")
    page = console.page
    await console.open("#/users/alice")
    field = page.get_by_label("Operator token")
    await expect(field).to_be_focused()
    for wrong in ("wrong", "nö tøken"):
        await field.fill(wrong)
        await console.button("Sign in").click()
        await console.see("This is no token of an operator, or it has ended.")
        await expect(field).to_have_value("")
    await console.sign_in()
    await expect(page.locator("h1")).to_have_text("alice")
    token = console.operators.tokens[WRITER]
    kept = await page.evaluate(KEPT)
    assert token not in kept
    assert "alice" in kept
    (cookie,) = await page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert cookie["value"] not in kept
    assert token not in cookie["value"]
    await page.reload()
    await expect(page.locator("h1")).to_have_text("alice")


async def second_window(console: OperatorPage) -> Page:
    """Another window of the same browser, at the same page."""
    other = await console.page.context.new_page()
    await other.goto(f"{console.operators.base_url}/operator/")
    return other


async def test_whoever_signs_out_does_so_in_every_window(console: OperatorPage, watch: Watch):
    """And whoever signs in in another window can go on writing in this one."""
    watch.expect("403|401")
    page = console.page
    await console.open("#/users/alice")
    await console.sign_in()
    other = await second_window(console)
    await expect(other.locator("h1")).to_have_text("Overview")
    await console.button("Sign out").click()
    for each in (page, other):
        await expect(each.get_by_role("heading", name="Sign in to operate")).to_be_visible()
    assert await page.context.cookies() == []
    await console.sign_in()
    await expect(other.locator("h1")).to_have_text("Overview")
    # A session that the page does not know of yet: its X-CSRF-Token is another one.
    token = console.operators.tokens[WRITER]
    await page.evaluate(
        """(token) => fetch("/operator/session", {
            method: "POST", headers: {authorization: `Bearer ${token}`}
        }).then((answer) => answer.status)""",
        token,
    )
    await console.button("Make an activation code").click()
    await console.confirm("Make the code")
    await expect(page.get_by_role("heading", name="Activation code for alice")).to_be_visible()


async def test_a_session_ends_and_the_place_is_kept(console: OperatorPage, watch: Watch):
    """It is counted down by the clock of the service; what was on the screen is taken away."""
    watch.expect("401")
    page, clock = console.page, console.service.clock
    await page.clock.install()
    await console.open("#/users/bob")
    await console.sign_in()
    await console.see("Session ends in 60 min")
    clock.advance(3_480)
    await page.clock.fast_forward(3_480_000)
    await console.see("Session ends in 2 min")
    await expect(page.locator("#announced")).to_have_text(
        "The session ends in 5 min. Sign in again to go on after that."
    )
    await console.button("Make an activation code").click()
    clock.advance(121)
    await page.clock.fast_forward(121_000)
    await console.see("The session has ended. Sign in to go on where you were.")
    await expect(page.get_by_text("bob")).to_have_count(0)
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await console.sign_in()
    await expect(page.locator("h1")).to_have_text("bob")


async def test_a_session_that_was_ended_elsewhere_is_over_here(console: OperatorPage, watch: Watch):
    """The next answer says so: in a view, and in a dialog."""
    watch.expect("401")
    await console.open()
    await console.sign_in()
    for view in ("Users", "Clients"):
        await console.page.context.clear_cookies()
        await console.page.get_by_role("link", name=view, exact=True).click()
        await console.see("The session has ended.")
        await console.sign_in()
    await console.page.context.clear_cookies()
    await console.page.reload()
    await console.sign_in()
    await console.open("#/users/alice")
    await console.button("Make an activation code").click()
    await console.page.context.clear_cookies()
    await console.confirm("Make the code")
    await console.see("The session has ended.")
    await expect(console.page.get_by_role("dialog")).to_have_count(0)


async def test_whoever_may_only_read_sees_why(console: OperatorPage):
    """Every change is off, and says which role it needs."""
    service = console.service
    await service.enrolled_phone("alice", "Pixel")
    await service.till.started()
    await console.open("#/users/alice")
    await console.sign_in(READER)
    await console.see("To change something needs the role write.")
    reset = console.button("Reset")
    await expect(reset).to_be_disabled()
    await expect(reset).to_have_accessible_description("To change something needs the role write.")
    for view in ("#/transactions", "#/phones", "#/users/alice"):
        await console.open(view)
        changes = console.page.locator("main button[data-focus]")
        await expect(changes.first).to_be_visible()
        for each in await changes.all():
            await expect(each).to_be_disabled()


async def test_a_service_that_is_away_is_told(console: OperatorPage, watch: Watch):
    """What stands on the page stays, and says that it may be old; then it goes on."""
    watch.expect("ERR_FAILED|ERR_CONNECTION|Failed to load|net::")
    page = console.page
    await page.clock.install()
    await console.open("#/users")
    await console.sign_in()
    await console.see("alice")
    await page.route("**/operator/users*", lambda route: route.abort())
    await page.clock.fast_forward(10_000)
    await console.see("The service cannot be reached from here. What stands here may be old.")
    await console.see("alice")
    await page.evaluate("location.hash = '#/users?search=ali'")
    await console.button("Try again").wait_for()
    await page.unroute("**/operator/users*")
    await console.button("Try again").click()
    await console.see("alice")
    await page.evaluate("location.hash = '#/users/alice'")
    await page.route("**/activation", lambda route: route.abort())
    await console.button("Make an activation code").click()
    await console.confirm("Make the code")
    await expect(console.dialog().get_by_role("alert")).to_have_text(
        "The service cannot be reached from here."
    )
    await page.unroute("**/activation")
    await console.dialog().get_by_role("button", name="Make the code").click()
    await console.button("I have handed it over").click()
    await page.route("**/operator/session", lambda route: route.abort())
    await page.reload()
    await console.see("The service cannot be reached from here.")
    await page.unroute("**/operator/session")
    await console.button("Try again").click()
    await console.see("alice")
