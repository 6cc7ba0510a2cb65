"""A page of bounded width, and foreign text that is text and nothing else."""

import io
import re
from collections.abc import Callable
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.text import Text

from authenticator_sim.terminal.look.text import settled

__all__ = ["Canvas", "foreign"]

_WIDEST: Final = 78
_NARROWEST: Final = 32
_END_OF_LINE: Final = re.compile(r"(?: |\x1b\[[0-9;]*m)+$", re.MULTILINE)
_NO_STYLE: Final = "\x1b[0m"


class Canvas:
    """Draws what is to be seen into text with colours of the terminal's own palette."""

    def __init__(self, columns: Callable[[], int]) -> None:
        """Ask before each page how wide the terminal is."""
        self._columns = columns

    def draw(self, *parts: RenderableType) -> str:
        """Draw one part below the other; the text ends at the end of its last line.

        Nothing is drawn to the right of foreign text: letters that the terminal makes wider or
        narrower than expected move no frame.
        """
        width = max(_NARROWEST, min(_WIDEST, self._columns() - 1))
        page = io.StringIO()
        console = Console(
            file=page,
            width=width,
            force_terminal=True,
            force_interactive=False,
            color_system="standard",
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
            no_color=False,
            force_jupyter=False,
        )
        console.print(Group(*parts))
        return _END_OF_LINE.sub(_without_blanks, page.getvalue())


def foreign(text: str, style: str = "") -> Text:
    """Text to the letter, broken only where the line is full; no markup, no control characters."""
    return Text(settled(text), style=style, overflow="fold")


def _without_blanks(end: re.Match[str]) -> str:
    return _NO_STYLE if _NO_STYLE in end[0] else ""
