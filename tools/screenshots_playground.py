"""Screenshots of the playground, in light and dark: a payment that was pushed, message by message.

``python -m tools.screenshots_playground docs/images`` writes them. Service, playground and phone
run in this process with the kit of the tests.
"""

import asyncio
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from ciba_service.stores.driver.target import RedisTarget
from tests.browser.chromium import running_chromium
from tests.browser.playground_stage import Stage, staged
from tests.redis_servers import embedded_server
from tests.running_service import running_service
from tests.signing import claims_of

__all__ = ["main"]

_Scheme = Literal["light", "dark"]
_SCHEMES: Final[tuple[_Scheme, ...]] = ("light", "dark")
_VIEWPORT: Final = ViewportSize(width=1440, height=900)
_LEDGER_SECONDS: Final = 2.1
_THOUGHT_SECONDS: Final = 6.4


def main() -> None:
    """Write the images into the directory that is named."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    with embedded_server() as target, running_chromium() as chromium:
        asyncio.run(_take_all(target, chromium, directory))


async def _take_all(target: RedisTarget, chromium: str, directory: Path) -> None:
    place = Path(tempfile.mkdtemp())
    run_service = partial(running_service, target, place / "keys")
    async with async_playwright() as playwright, staged(run_service, place) as stage:
        browser = await playwright.chromium.connect_over_cdp(chromium)
        for scheme in _SCHEMES:
            await _take(browser, stage, scheme, directory)


async def _take(browser: Browser, stage: Stage, scheme: _Scheme, directory: Path) -> None:
    context = await browser.new_context(
        viewport=_VIEWPORT,
        color_scheme=scheme,
        reduced_motion="reduce",
        device_scale_factor=1.5,
        timezone_id="Europe/Berlin",
        locale="en-GB",
    )
    page = await context.new_page()
    await page.goto(stage.playground.address)
    await _pay(page, stage)
    await page.evaluate("document.activeElement.blur()")
    await page.screenshot(path=directory / f"playground-{scheme}.png")
    await page.locator("#flow ol button", has_text="Push: tokens").click()
    await page.locator("#message section.token").first.wait_for()
    await page.mouse.move(0, 0)
    await page.screenshot(path=directory / f"playground-message-{scheme}.png")
    await page.get_by_role("button", name="Forget").click()
    await context.close()


async def _pay(page: Page, stage: Stage) -> None:
    """A payment is asked for, shown, approved and pushed; then the token is used."""
    await page.get_by_label("Client", exact=True).select_option("bookshop")
    await page.get_by_label("login_hint", exact=True).fill("alice@example.org")
    await page.get_by_label("Binding message").fill("W4SCT")
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
    stage.bank.clock.advance(_LEDGER_SECONDS)
    await page.locator("#flow ol button", has_text="Notification delivered").wait_for()
    await page.get_by_role("button", name="Userinfo").click()
    await page.locator("#flow ol button", has_text="Resource: Userinfo").wait_for()


if __name__ == "__main__":
    main()
