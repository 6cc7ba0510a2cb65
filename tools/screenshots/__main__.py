"""Take all pictures anew."""

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from tests.browser.chromium import running_chromium
from tests.redis.servers import embedded_server
from tools.screenshots.camera import IMAGES, Camera
from tools.screenshots.operator import operator_pictures
from tools.screenshots.phone import phone_pictures
from tools.screenshots.playground import playground_pictures


async def take_all(chromium: str, directory: Path) -> None:
    """Take the pictures of each page."""
    IMAGES.mkdir(exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(chromium)
        with embedded_server() as target:
            await phone_pictures(browser, Camera(), target, directory)
            await playground_pictures(browser, Camera(), target, directory)
        apart = directory / "operator"
        apart.mkdir()
        with embedded_server() as target:
            await operator_pictures(browser, Camera(), target, apart)


if __name__ == "__main__":
    with (
        running_chromium() as address,
        tempfile.TemporaryDirectory(prefix="screenshots-") as temporary,
    ):
        asyncio.run(take_all(address, Path(temporary)))
