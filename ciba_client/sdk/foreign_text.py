"""Text of others on its way to a terminal or a log."""

from typing import Final

__all__ = ["readable"]

_LONGEST_TEXT: Final = 300


def readable(text: str) -> str:
    """The text printable, on one line, bounded."""
    cleaned = "".join(character if character.isprintable() else "?" for character in text)
    return cleaned if len(cleaned) <= _LONGEST_TEXT else cleaned[: _LONGEST_TEXT - 1] + "…"
