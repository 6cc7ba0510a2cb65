"""Which look a screen gets: colours and tables only where a person sees them and wants them."""

from collections.abc import Mapping
from typing import Final, TextIO

from authenticator_sim.terminal.look.look import Look
from authenticator_sim.terminal.look.plain_look import PLAIN
from authenticator_sim.terminal.look.rich_look import RichLook
from authenticator_sim.terminal.look.size import columns_of

__all__ = ["look_for"]

_INCAPABLE: Final = frozenset({"", "dumb"})


def look_for(screen: TextIO, environment: Mapping[str, str], *, plain: bool) -> Look:
    """Choose the look: plain if asked for (also by ``NO_COLOR``), and wherever rich cannot be."""
    if plain or environment.get("NO_COLOR") or environment.get("TERM", "") in _INCAPABLE:
        return PLAIN
    if not screen.isatty() or screen.encoding.lower().replace("-", "") != "utf8":
        return PLAIN
    return RichLook(lambda: columns_of(screen.fileno()))
