"""Tables of Markdown."""

from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["NONE", "cell", "code", "table"]

NONE: Final = "\N{EN DASH}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, or nothing where there are no rows."""
    lines = [_line(row) for row in rows]
    if not lines:
        return ""
    return "".join((_line(head), _line(["---"] * len(head)), *lines, "\n"))


def code(text: str) -> str:
    """A word in a cell as it is typed."""
    return f"`{text}`"


def cell(text: str | None) -> str:
    """Prose for a cell: on one line, and never empty."""
    return " ".join((text or "").split()) or NONE


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(each.replace("|", "\\|") for each in cells) + " |\n"
