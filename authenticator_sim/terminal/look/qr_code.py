"""A QR code out of characters, two modules in each."""

import io
from typing import Final

from qrcode.main import QRCode

__all__ = ["qr_code"]

_BLACK_ON_WHITE: Final = "\x1b[38;5;16;48;5;231m"
_RESET: Final = "\x1b[0m"


def qr_code(text: str, *, coloured: bool) -> str:
    """Draw it in black on white; without colours as it is right on a dark background."""
    code, drawn = QRCode(border=2), io.StringIO()
    code.add_data(text)
    code.print_ascii(out=drawn, invert=not coloured)
    lines = drawn.getvalue().splitlines()
    if coloured:
        lines = [f"{_BLACK_ON_WHITE}{line}{_RESET}" for line in lines]
    return "".join(f"{line}\n" for line in lines)
