"""The operators' page in a browser, beside the real service that it shows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import DESKTOP, ContextOpener
from tests.services.running_service import RunningService
from tests.wire.operator import WRITER, Operators, operating


@dataclass
class OperatorPage:
    """A page and the service behind it."""

    page: Page
    operators: Operators

    @property
    def service(self) -> RunningService:
        """The service."""
        return self.operators.service

    async def open(self, place: str = "") -> None:
        """Open a place of the page, as by a bookmark."""
        await self.page.goto(f"{self.operators.base_url}/operator/{place}")

    async def sign_in(self, name: str = WRITER) -> None:
        """Swap the token of an operator for a session."""
        await self.page.get_by_label("Operator token").fill(self.operators.tokens[name])
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page.get_by_role("navigation", name="Views")).to_be_visible()

    async def go(self, view: str) -> None:
        """Go to a view by its name."""
        views = self.page.get_by_role("navigation", name="Views")
        await views.get_by_role("link", name=view).click()
        await expect(self.page.locator("h1")).to_be_focused()

    async def confirm(self, verb: str, *, typed: str | None = None) -> None:
        """Answer the dialog that asks before something is changed."""
        dialog = self.dialog()
        await expect(dialog.get_by_role("button", name="Go back")).to_be_focused()
        if typed is not None:
            await expect(dialog.get_by_role("button", name=verb)).to_be_disabled()
            await dialog.get_by_role("textbox").fill(typed)
        await dialog.get_by_role("button", name=verb).click()

    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.get_by_role("dialog")

    def button(self, name: str, **options: Any) -> Locator:
        """A button by its name."""
        return self.page.get_by_role("button", name=name, **options)

    async def see(self, text: str) -> None:
        """Wait until a text is on the page."""
        await expect(self.page.get_by_text(text).first).to_be_visible()


@asynccontextmanager
async def operator_page(
    service: RunningService, tokens: dict[str, str], new_context: ContextOpener, **options: Any
) -> AsyncIterator[OperatorPage]:
    """The page of a running service, not signed in yet."""
    async with operating(service, tokens) as operators:
        context = await new_context(**{"viewport": DESKTOP, **options})
        page = await context.new_page()
        try:
            yield OperatorPage(page, operators)
        finally:
            # Else its streams keep the listener open.
            await context.close()
