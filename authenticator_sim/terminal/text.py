"""Foreign text on a terminal: nothing in it may move the cursor, hide or reorder what is shown."""

import unicodedata
from typing import Final

__all__ = ["harmless"]

# Controls, formats (bidirectional overrides, zero width), surrogates, private use, line separators.
_DANGEROUS: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def harmless(text: str) -> str:
    """Return the text to the letter, with each invisible or controlling character spelt out."""
    return "".join(
        f"<U+{ord(letter):04X}>" if unicodedata.category(letter) in _DANGEROUS else letter
        for letter in text
    )
