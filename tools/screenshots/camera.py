"""Takes pictures of pages, at twice the size, in few colours."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.async_api import Page

__all__ = ["IMAGES", "Camera"]

IMAGES: Final = Path(__file__).resolve().parents[2] / "docs" / "images"
_COLOURS: Final = 128
_MOST_BYTES: Final = 150 * 1024


@dataclass(frozen=True, slots=True)
class Camera:
    """Writes into one directory."""

    directory: Path = IMAGES

    async def take(self, page: Page, name: str, *, scheme: str = "light") -> None:
        """Take what the window shows; ``scheme`` is ``light`` or ``dark``.

        Raises:
            ValueError: The picture is too large for a README.
        """
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await page.evaluate("document.fonts.ready")
        taken = Image.open(io.BytesIO(await page.screenshot(animations="disabled")))
        small = taken.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        path = self.directory / f"{name}.png"
        small.save(path, optimize=True)
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"{name} is too large for a README")
        await page.emulate_media(color_scheme="light")
