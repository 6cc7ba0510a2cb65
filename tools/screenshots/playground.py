"""The playground: a payment that was pushed, and the message that brought the tokens."""

from functools import partial
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, Page, ViewportSize

from ciba_service.stores.driver.target import RedisTarget
from tests.browser.playground_stage import Stage, passed_until, staged
from tests.services.running_service import running_service
from tests.wire.signing import claims_of
from tools.screenshots.camera import Camera

__all__ = ["playground_pictures"]

_VIEWPORT: Final = ViewportSize(width=1360, height=980)
_SCALE: Final = 1.25
_LEDGER_SECONDS: Final = 2.1
_THOUGHT_SECONDS: Final = 6.4


async def playground_pictures(
    browser: Browser, camera: Camera, target: RedisTarget, directory: Path
) -> None:
    """Take the pictures of a flow in light and dark; ``directory`` is for files of the moment."""
    place = directory / "playground"
    place.mkdir()
    run_service = partial(running_service, target, place / "keys")
    async with staged(run_service, place) as stage:
        context = await browser.new_context(
            viewport=_VIEWPORT,
            reduced_motion="reduce",
            device_scale_factor=_SCALE,
            timezone_id="Europe/Berlin",
            locale="en-GB",
        )
        page = await context.new_page()
        await page.goto(stage.playground.address)
        await _pay(page, stage)
        await page.evaluate("document.activeElement.blur()")
        await page.locator("#order .entries").evaluate("(entries) => entries.scrollTo(0, 0)")
        await page.mouse.move(0, 0)
        for scheme in ("light", "dark"):
            await camera.take(page, f"playground-{scheme}", scheme=scheme)
        await page.locator("#flow ol button", has_text="Push: tokens").click()
        await page.locator("#message section.token").first.wait_for()
        await page.mouse.move(0, 0)
        for scheme in ("light", "dark"):
            await camera.take(page, f"playground-message-{scheme}", scheme=scheme)
        await context.close()


async def _pay(page: Page, stage: Stage) -> None:
    """A payment is asked for, shown, approved and pushed; then the token is used."""
    await page.get_by_label("Client", exact=True).select_option("bookshop")
    await page.get_by_label("login_hint", exact=True).fill("alice@example.org")
    await page.get_by_label("What to approve").select_option("payment")
    await page.get_by_role("button", name="Start").click()
    await page.locator("#flow ol button", has_text="Request stored").wait_for()
    stage.bank.clock.advance(_LEDGER_SECONDS)
    (challenge,) = await stage.phone.fetch()
    transaction_id = claims_of(challenge)["transaction_id"]
    for state in ("received", "shown"):
        await stage.phone.send({"type": state, "transaction_id": transaction_id})
        stage.bank.clock.advance(0.3)
    stage.bank.clock.advance(_THOUGHT_SECONDS)
    await stage.phone.decide(stage.phone.approval(challenge))
    await page.get_by_text("Tokens received", exact=True).first.wait_for()
    await passed_until(stage, page.locator("#flow ol button", has_text="Notification delivered"))
    await page.get_by_role("button", name="Userinfo").click()
    await page.locator("#flow ol button", has_text="Resource: Userinfo").wait_for()
