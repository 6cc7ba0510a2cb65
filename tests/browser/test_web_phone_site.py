"""The site of the web phone, in a browser."""

from playwright.async_api import expect

from tests.browser.conftest import PageOpener
from tests.running_service import RunningService


async def test_the_page_is_there_and_knows_its_service(
    open_page: PageOpener, phone_service_and_page: tuple[RunningService, str]
):
    """It opens without a complaint, and learns from its own site where the service is."""
    service, address = phone_service_and_page
    page = await open_page(address)
    await expect(page.get_by_role("main")).to_be_visible()
    told = await page.evaluate("async () => (await fetch('configuration.json')).json()")
    assert told == {"issuer": service.issuer}
