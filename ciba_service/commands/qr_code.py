"""A QR code out of characters, two modules in each.

The library, and that for pictures below it, is loaded for one only: ``serve`` draws none.
"""

import io
from importlib import import_module
from typing import Final, TextIO

__all__ = ["qr_code_for"]

_BLACK_ON_WHITE: Final = "\x1b[38;5;16;48;5;231m"
_RESET: Final = "\x1b[0m"


def qr_code_for(screen: TextIO, text: str) -> str:
    """Draw it as ``screen`` can show it; empty where it cannot.

    On a terminal it is black on white, elsewhere as it is right on a dark background.
    """
    coloured = screen.isatty()
    code, drawn = import_module("qrcode.main").QRCode(border=2), io.StringIO()
    code.add_data(text)
    code.print_ascii(out=drawn, invert=not coloured)
    lines = drawn.getvalue().splitlines()
    try:
        drawn.getvalue().encode(screen.encoding or "utf-8")
    except UnicodeEncodeError:
        return ""
    if coloured:
        lines = [f"{_BLACK_ON_WHITE}{line}{_RESET}" for line in lines]
    return "".join(f"{line}\n" for line in lines)
