"""Writes the table of docs/metrics.md from the families themselves, so that it leaves nothing out.

``python -m tools.metrics`` does it; a test holds the one to the other.
"""

from pathlib import Path
from typing import Final

from ciba_service.metrics.families import Families

__all__ = ["PAGE", "table", "with_table"]

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"
NONE: Final = "\N{EN DASH}"
_BEGIN: Final = "| metric | type | labels | meaning |\n"
_RULE: Final = "| --- | --- | --- | --- |\n"


def table() -> str:
    """All families, in the order of the code."""
    rows = (
        f"| `{family.name}` | {family.type} | {', '.join(map(_code, family.labels)) or NONE} "
        f"| {family.text} |\n"
        for family in Families().described
    )
    return "".join((_BEGIN, _RULE, *rows))


def with_table(page: str) -> str:
    """The page with its table written anew."""
    before, _, rest = page.partition(_BEGIN)
    _, separator, after = rest.partition("\n\n")
    return before + table() + separator.removeprefix("\n") + after


def _code(label: str) -> str:
    return f"`{label}`"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
