"""What is left of a drawn text once colours are taken away."""

import re
from typing import Final

from authenticator_sim.terminal.keyboard import ERASE_LINE

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


def visible(drawn: str) -> str:
    """Take colours and the erasing of the question's line away; all else stays, tricks too."""
    return _COLOUR.sub("", drawn.replace(ERASE_LINE, ""))


def words(drawn: str) -> str:
    """Only the letters, wherever lines are broken."""
    return "".join(visible(drawn).split())
