"""The web phone as a person uses it: what is read, pressed and typed, by role and name."""

import re
from dataclasses import dataclass
from typing import Any

from playwright.async_api import CDPSession, Locator, Page, expect

from tests.browser.watched import accessibility_violations

PIN = "748159"
WRONG_PIN = "748150"
# With reduced motion everything changes colour in a moment, one level of elements after another.
DRAWN = """async () => {
  do {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  } while (document.getAnimations().length > 0);
}"""


@dataclass
class PhoneScreens:
    """One phone in one page."""

    page: Page

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """What is pressed, by its name."""
        return self.page.get_by_role("button", name=name)

    def heading(self, name: str) -> Locator:
        """Where one is."""
        return self.page.get_by_role("heading", name=name, exact=True)

    async def press(self, name: str) -> None:
        """Press a button."""
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def type_pin(self, pin: str = PIN) -> None:
        """Type a PIN, and Enter."""
        await expect(self.page.get_by_label("PIN", exact=True)).to_be_enabled()
        await self.page.get_by_label("PIN", exact=True).fill(pin)
        await self.page.keyboard.press("Enter")

    async def tap_pin(self, pin: str = PIN) -> None:
        """Tap a PIN on the keys of the page."""
        for digit in pin:
            await self.press(f"Digit {digit}")
        await self.press("Confirm")

    async def enrol(self, code: str | None, *, name: str | None = None) -> None:
        """Set the phone up; a link has brought the code where there is none."""
        if code is not None:
            await self.page.get_by_label("Activation code").fill(code)
        await self.press("Continue")
        if name is not None:
            await self.page.get_by_label("Name", exact=True).fill(name)
        await self.press("Continue")
        await expect(self.heading("Choose a PIN")).to_be_visible()
        await self.type_pin()
        await expect(self.heading("Repeat the PIN")).to_be_visible()
        await self.type_pin()

    async def enrolled(self, code: str, *, name: str | None = None) -> None:
        """Set a first phone up and go to its overview."""
        await self.enrol(code, name=name)
        await self.press("Go to the overview")
        await expect(self.page.get_by_text("Online", exact=True)).to_be_visible()

    async def open_request(self, client: str = "Shop till") -> None:
        """Open what waits."""
        await self.button(client).click()
        await expect(self.button("Approve")).to_be_enabled()

    async def settings(self, name: str) -> None:
        """Go to a page of the settings."""
        await self.press("Settings")
        await self.button(name).click()

    async def is_accessible(self) -> None:
        """Nothing keeps anybody out, in either look."""
        await self.page.evaluate(DRAWN)
        assert await accessibility_violations(self.page) == []
        await self.page.emulate_media(color_scheme="dark")
        await self.page.evaluate(DRAWN)
        assert await accessibility_violations(self.page, "color-contrast") == []
        await self.page.emulate_media(color_scheme="light")


async def virtual_authenticator(page: Page, **options: Any) -> CDPSession:
    """An authenticator of the browser that confirms at once."""
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    settings = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    await session.send("WebAuthn.addVirtualAuthenticator", {"options": settings | options})
    return session
