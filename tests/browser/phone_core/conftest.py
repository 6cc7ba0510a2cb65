"""Phones in a browser and a service that lets them in."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import BrowserContext

from tests.browser.conftest import ContextOpener
from tests.browser.phone_core.core_phone import MODULE, ONLINE, PIN, CorePhone
from tests.browser.watched import Watch
from tests.browser.web_phone import WebPhone
from tests.services.running_service import RunningService

PhoneOpener = Callable[..., Awaitable[CorePhone]]


@pytest.fixture
async def bank(phone_service_and_page: tuple[RunningService, str]) -> RunningService:
    """A service that lets the page in."""
    return phone_service_and_page[0]


@pytest.fixture
async def browser_context(new_context: ContextOpener, watch: Watch) -> BrowserContext:
    """The browser of one person."""
    watch.expect("favicon")
    return await new_context()


@pytest.fixture
def open_phone(browser_context: BrowserContext, web_phone: WebPhone) -> PhoneOpener:
    """Open a phone in a tab of its own."""

    async def open_one(bank: RunningService, number: int = 1) -> CorePhone:
        page = await browser_context.new_page()
        await page.goto(web_phone.address + MODULE)
        return await CorePhone(page, bank.issuer, number).open()

    return open_one


@pytest.fixture
def enrol_phone(open_phone: PhoneOpener) -> PhoneOpener:
    """Open a phone and enrol it for Alice."""

    async def enrol_one(bank: RunningService, number: int = 1, **given: Any) -> CorePhone:
        phone = await open_phone(bank, number)
        code = await bank.activation_code("alice")
        name = f"Web {number}"
        await phone.act("enrol", {"activationCode": code, "name": name, "pin": PIN} | given)
        await phone.when(ONLINE)
        return phone

    return enrol_one


@pytest.fixture
async def phone(bank: RunningService, enrol_phone: PhoneOpener) -> CorePhone:
    """Alice's first phone, connected."""
    return await enrol_phone(bank)
