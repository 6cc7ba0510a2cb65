"""The web phone: its overview, an approval sheet, the PIN pad, and what was approved."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw
from playwright.async_api import Browser, Page, expect

from ciba_service.stores.driver.target import RedisTarget
from tests.browser.conftest import PHONE
from tests.browser.phone_screens import PIN, PhoneScreens
from tests.browser.web_phone import WebPhone
from tests.fake_clock import FakeClock
from tests.services.running_service import RunningService, running_service
from tests.wire.client import WireClient
from tools.screenshots.camera import Camera

__all__ = ["phone_pictures"]

_TIME_OF_DAY: Final = timedelta(hours=14, minutes=5)
_SHOP, _TRAVEL, _LIBRARY, _PLANNER = "shop", "travel", "library", "planner"
_NAMES: Final = {
    _SHOP: "Corner Shop",
    _TRAVEL: "Nordic Travel",
    _LIBRARY: "Town Library",
    _PLANNER: "Budget Planner",
}


@dataclass(frozen=True, slots=True)
class _Scene:
    """A phone in a page, and a service with the same, standing clock."""

    service: RunningService
    page: Page
    screens: PhoneScreens

    async def pass_time(self, seconds: float) -> None:
        """Move both clocks on, and begin anew with the time there is then."""
        self.service.clock.advance(seconds)
        await self.page.clock.set_fixed_time(self.service.clock.now())
        await self.page.reload()
        await expect(self.page.get_by_text("Online", exact=True)).to_be_visible()

    async def decide(self, client: str, answer: str, claims: Mapping[str, Any]) -> None:
        """Have a request answered, for the history."""
        await self.service.clients[client].started(**claims)
        await self.screens.open_request(_NAMES[client])
        await self.screens.press(answer)
        if answer == "Approve":
            await self.screens.type_pin()
        await self.screens.press("Done")
        await self.pass_time(1500)


async def phone_pictures(
    browser: Browser, camera: Camera, target: RedisTarget, directory: Path
) -> None:
    """Take all pictures of the web phone."""
    async with _scene(browser, target, directory) as scene:
        screens, page = scene.screens, scene.page
        await scene.decide(_LIBRARY, "Approve", {})
        await scene.decide(_TRAVEL, "Decline", _payment("1249.00", "Nordic Travel AB"))
        await scene.decide(_SHOP, "Approve", _payment("7.90", "Corner Shop Ltd"))
        await scene.service.clients[_PLANNER].started(binding_message=None)
        await scene.pass_time(95)
        await scene.service.clients[_SHOP].started(**_payment("12.50", "Corner Shop Ltd"))
        await scene.pass_time(25)
        await expect(screens.button(_NAMES[_SHOP])).to_be_visible()
        await expect(page.locator(".avatar img").first).to_be_visible()
        await camera.take(page, "phone-home")
        await camera.take(page, "phone-home-dark", scheme="dark")
        await screens.open_request(_NAMES[_SHOP])
        await camera.take(page, "phone-sheet")
        await camera.take(page, "phone-sheet-dark", scheme="dark")
        await screens.press("Approve")
        for digit in PIN[:4]:
            await screens.press(f"Digit {digit}")
        await page.mouse.move(0, 0)
        await page.locator("output").evaluate("(code) => { code.textContent = '492 039'; }")
        await camera.take(page, "phone-pin")
        await screens.press("Erase last digit")
        await screens.type_pin()
        await expect(screens.heading("Approved")).to_be_visible()
        await camera.take(page, "phone-approved")


@asynccontextmanager
async def _scene(browser: Browser, target: RedisTarget, directory: Path) -> AsyncIterator[_Scene]:
    logo = directory / "shop.png"
    _draw_logo(logo)
    clients = [
        WireClient(name, metadata={"client_name": shown} | _logo_of(name, logo))
        for name, shown in _NAMES.items()
    ]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        site = WebPhone(listener)
        sections = {
            "device": site.device(second_secret=False),
            "policy": {"require_otp": True},
        }
        async with (
            running_service(
                target, directory / "keys", clients=clients, sections=sections, clock=_clock()
            ) as service,
            site.serving(service.issuer) as address,
            await browser.new_context(
                viewport={"width": PHONE["width"], "height": PHONE["height"]},
                device_scale_factor=2,
                locale="en-GB",
                timezone_id="UTC",
                reduced_motion="reduce",
            ) as context,
        ):
            page = await context.new_page()
            await page.clock.set_fixed_time(service.clock.now())
            await page.goto(address)
            screens = PhoneScreens(page)
            await screens.enrolled(await service.activation_code("alice"), name="Alice's phone")
            yield _Scene(service, page, screens)


def _clock() -> FakeClock:
    """A clock that stands early in the afternoon of the day after tomorrow, whatever time it is."""
    clock = FakeClock()
    now = datetime.fromtimestamp(clock.now(), UTC)
    then = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=2) + _TIME_OF_DAY
    clock.advance(then.timestamp() - clock.now_ms() / 1000)
    return clock


def _payment(amount: str, payee: str) -> dict[str, Any]:
    return {
        "authorization_details": [
            {
                "type": "payment_initiation",
                "instructedAmount": {"currency": "EUR", "amount": amount},
                "creditorName": payee,
                "creditorAccount": {"iban": "DE89370400440532013000"},
                "remittanceInformationUnstructured": "Invoice 4711",
            }
        ]
    }


def _logo_of(name: str, logo: Path) -> dict[str, Any]:
    return {"logo_file": str(logo)} if name == _SHOP else {}


def _draw_logo(path: Path) -> None:
    """An awning over a door."""
    image = Image.new("RGB", (192, 192), "#0d6e63")
    draw = ImageDraw.Draw(image)
    for stripe in range(4):
        left = 36 + stripe * 30
        fill = "#ffffff" if stripe % 2 == 0 else "#bfe5dd"
        draw.rectangle((left, 48, left + 29, 84), fill=fill)
        draw.pieslice((left, 69, left + 29, 98), 0, 180, fill=fill)
    draw.rectangle((48, 104, 144, 148), outline="#ffffff", width=7)
    draw.rectangle((102, 116, 126, 148), fill="#ffffff")
    image.save(path)
