"""Plain text: the one rule for whatever a phone shows that somebody else wrote.

Binding messages (CIBA 7.1), payees, remittance information and the names of clients and phones
are refused rather than changed. Nothing in such a text is invisible, moves what stands beside it,
or looks like nothing; and no word mixes scripts whose letters look alike.
"""

import re
import unicodedata
from typing import Final

__all__ = ["NotPlainTextError", "parse_plain_text"]

_CATEGORIES: Final = frozenset(
    {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd"}
    | {"Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sc", "Sm"}
)
# A text without any of these looks empty. Modifier letters (Lm) do not count: some are dashes.
_SUBSTANCE: Final = frozenset({"Lu", "Ll", "Lt", "Lo", "Nd"})
_MAXIMUM_MARKS: Final = 3
# Variation selectors and the keycap mark turn digits and signs into emoji; fillers are invisible
# letters or marks. All of them have a category that is allowed above.
_INVISIBLE_OR_EMOJI: Final = frozenset(
    {*(chr(point) for point in range(0xFE00, 0xFE10))}
    | {*(chr(point) for point in range(0xE0100, 0xE01F0))}
    | set("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u20e3\u3164\uffa0\U00016fe4")
)
# The emoji among letters, punctuation and mathematical signs (Unicode, emoji-data.txt).
_EMOJI_SIGNS: Final = frozenset(
    "\u203c\u2049\u2139\u2194\u25fb\u25fc\u25fd\u25fe\u2934\u2935\u3030\u303d"
)
# Nearly every text is such a one: words of ASCII, of which no rule has anything to say.
_WORD_OF_ASCII: Final = "[A-Za-z0-9.,:;/()'+-]+"
_ORDINARY: Final = re.compile(
    rf"(?=[^A-Za-z0-9]*[A-Za-z0-9]){_WORD_OF_ASCII}(?: {_WORD_OF_ASCII})*", re.ASCII
)
_WORD: Final = re.compile(r"\S+")
# Scripts with letters that look like Latin ones, as the names of their letters begin.
_LOOK_ALIKES: Final = ("ARMENIAN ", "CHEROKEE ", "COPTIC ", "CYRILLIC ", "GREEK ", "LISU ")


class NotPlainTextError(ValueError):
    """The text may not be shown; what is wrong is a constant sentence."""


def parse_plain_text(text: str) -> str:
    """The text as it came, found fit to be shown; its length is for the caller to bound first.

    In NFC it holds nothing but letters, marks, digits, punctuation, currency and mathematical
    signs and single inner spaces.

    Raises:
        NotPlainTextError: when it holds anything else, or no letter or digit, or more than three
            marks on a letter, or mixes Latin within a word with Armenian, Cherokee, Coptic,
            Cyrillic, Greek or Lisu.
    """
    if _ORDINARY.fullmatch(text):
        return text
    return _parse(text)


def _parse(text: str) -> str:
    """Every rule, character by character."""
    shown = unicodedata.normalize("NFC", text)
    if "" in shown.split(" "):
        raise NotPlainTextError("it is empty, or has outer or repeated spaces")
    if not all(character == " " or _is_plain(character) for character in shown):
        raise NotPlainTextError("it has a character that is not plain text")
    if not any(unicodedata.category(character) in _SUBSTANCE for character in shown):
        raise NotPlainTextError("it has neither a letter nor a digit")
    if _has_stacked_marks(shown):
        raise NotPlainTextError("it has a mark without a letter, or too many")
    if any(_mixes_scripts(word) for word in _WORD.findall(shown)):
        raise NotPlainTextError("a word mixes scripts that look alike")
    return text


def _is_plain(character: str) -> bool:
    return (
        unicodedata.category(character) in _CATEGORIES
        and character not in _INVISIBLE_OR_EMOJI
        and character not in _EMOJI_SIGNS
    )


def _has_stacked_marks(text: str) -> bool:
    run, previous_is_base = 0, False
    for character in text:
        if unicodedata.category(character) in {"Mn", "Mc"}:
            run += 1
            if run > _MAXIMUM_MARKS or not previous_is_base:
                return True
        else:
            run, previous_is_base = 0, character != " "
    return False


def _mixes_scripts(word: str) -> bool:
    # NFKC first: a mathematical or full-width A is an A to the eye.
    letters = filter(str.isalpha, unicodedata.normalize("NFKC", word))
    names = [unicodedata.name(letter, "") for letter in letters]
    latin = any(name.startswith("LATIN ") for name in names)
    return latin and any(name.startswith(_LOOK_ALIKES) for name in names)
