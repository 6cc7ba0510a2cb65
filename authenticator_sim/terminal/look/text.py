"""Foreign text on a terminal: nothing in it may move the cursor, hide or reorder what is shown."""

import unicodedata
from typing import Final

__all__ = ["harmless", "settled"]

# Controls, formats (bidirectional overrides, zero width), surrogates, private use, line separators.
_DANGEROUS: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
# Fillers, joiners and selectors of variants, which count as letters and marks and are never seen.
_UNSEEN: Final = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0),
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)
_MARKS: Final = frozenset({"Mn", "Me"})
_MOST_MARKS: Final = 3


def harmless(text: str) -> str:
    """Return the text to the letter, with each invisible or controlling character spelt out."""
    return "".join(_spelt_out(letter) if _deceives(letter) else letter for letter in text)


def settled(text: str) -> str:
    """Return harmless text whose letters stay on their line.

    Of the marks upon one letter no more than three remain marks: a pile of them would reach over
    the lines above and below.
    """
    letters, marks = [], 0
    for letter in harmless(text):
        marks = marks + 1 if unicodedata.category(letter) in _MARKS else 0
        letters.append(letter if marks <= _MOST_MARKS else _spelt_out(letter))
    return "".join(letters)


def _deceives(letter: str) -> bool:
    return letter in _UNSEEN or unicodedata.category(letter) in _DANGEROUS


def _spelt_out(letter: str) -> str:
    return f"<U+{ord(letter):04X}>"
