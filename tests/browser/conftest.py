"""Fixtures of the pages: a real browser, and pages in which nothing may go wrong unnoticed."""

import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

from tests.browser.chromium import running_chromium
from tests.browser.phone_screens import PhoneScreens
from tests.browser.watched import Watch
from tests.browser.web_phone import PhoneService, WebPhone, phone_service
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 860}
# What text twice as large leaves of the window of a phone (WCAG 1.4.4).
LARGE_TEXT: ViewportSize = {"width": 195, "height": 422}

# What is awaited on a page comes late where the machine is slow; as long as actions have.
expect.set_options(timeout=30_000)

ContextOpener = Callable[..., Coroutine[Any, Any, BrowserContext]]
PageOpener = Callable[..., Coroutine[Any, Any, Page]]


@pytest.fixture(scope="session")
def chromium() -> Iterator[str]:
    """One browser a worker."""
    with running_chromium() as address:
        yield address


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """The browser, commanded from this test."""
    async with async_playwright() as playwright:
        yield await playwright.chromium.connect_over_cdp(chromium)


@pytest.fixture
async def watch() -> AsyncIterator[Watch]:
    """Fails the test for what browsers complain of: errors, warnings, breaches of the CSP."""
    watching = Watch()
    yield watching
    assert watching.unexpected() == []


@pytest.fixture
async def new_context(browser: Browser, watch: Watch) -> AsyncIterator[ContextOpener]:
    """Open contexts, which share nothing: as browsers of different people."""
    async with AsyncExitStack() as contexts:

        async def open_one(**options: Any) -> BrowserContext:
            settings = {"viewport": PHONE, "locale": "en-GB", "reduced_motion": "reduce"}
            context = await browser.new_context(**(settings | options))
            contexts.push_async_callback(context.close)
            context.set_default_timeout(10_000)
            await watch.attend(context)
            return context

        yield open_one


@pytest.fixture
async def open_page(new_context: ContextOpener) -> PageOpener:
    """Open an address in a context of its own; options are those of the context."""

    async def open_one(address: str, **options: Any) -> Page:
        page = await (await new_context(**options)).new_page()
        await page.goto(address)
        return page

    return open_one


@pytest.fixture
def web_phone() -> Iterator[WebPhone]:
    """An address for the web phone's page, which nobody serves yet."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield WebPhone(listener)


@pytest.fixture
def start_phone_service(
    run_service: ServiceRunner, web_phone: WebPhone, till: WireClient, watch: Watch
) -> PhoneService:
    """Run a service that lets the page in, as often and as otherwise as a test wants."""
    return phone_service(run_service, web_phone, till, watch)


@pytest.fixture
async def phone_service_and_page(
    start_phone_service: PhoneService, web_phone: WebPhone
) -> AsyncIterator[tuple[RunningService, str]]:
    """A service, and where the web phone's page for it is."""
    async with start_phone_service() as service, web_phone.serving(service.issuer) as address:
        yield service, address


@pytest.fixture
async def alice(
    open_page: PageOpener, phone_service_and_page: tuple[RunningService, str]
) -> PhoneScreens:
    """Alice's phone, set up by hand and at its overview."""
    service, address = phone_service_and_page
    phone = PhoneScreens(await open_page(address))
    await phone.enrolled(await service.activation_code("alice"), name="Alice's phone")
    return phone
