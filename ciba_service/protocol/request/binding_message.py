"""The binding message: short plain text that reads the same on both devices (CIBA 7.1).

It is refused rather than changed. Letters of look-alike scripts are not mixed within a word, so
that a message cannot be told apart from another only by its code points.
"""

import re
import unicodedata
from typing import Final

from ciba_service.protocol.errors import InvalidBindingMessageError, Reason

__all__ = ["MAXIMUM_LENGTH", "parse_binding_message"]

MAXIMUM_LENGTH: Final = 100
# NFC makes one character of four at most; a longer text is not worth normalising.
_MAXIMUM_RAW_LENGTH: Final = 4 * MAXIMUM_LENGTH

_CATEGORIES: Final = frozenset(
    {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd"}
    | {"Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sc", "Sm"}
)
_MAXIMUM_MARKS: Final = 3
# Variation selectors and the keycap mark turn digits and signs into emoji; fillers are invisible
# letters. All of them have a category that is allowed above.
_INVISIBLE_OR_EMOJI: Final = frozenset(
    {*(chr(point) for point in range(0xFE00, 0xFE10))}
    | {*(chr(point) for point in range(0xE0100, 0xE01F0))}
    | set("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u20e3\u3164\uffa0")
)
# The emoji among letters, punctuation and mathematical signs (Unicode, emoji-data.txt).
_EMOJI_SIGNS: Final = frozenset(
    "\u203c\u2049\u2139\u2194\u25fb\u25fc\u25fd\u25fe\u2934\u2935\u3030\u303d"
)
_WORD: Final = re.compile(r"\S+")
_CONFUSABLE_SCRIPTS: Final = ("CYRILLIC", "GREEK")


def parse_binding_message(text: str) -> str:
    """The message as it came, found fit to be shown.

    Raises:
        InvalidBindingMessageError: when it is empty, longer than 100 characters after NFC, holds
            anything but letters, marks, digits, punctuation, currency and mathematical signs and
            single inner spaces, or mixes Latin with Cyrillic or Greek within a word.
    """
    message = unicodedata.normalize("NFC", text[: _MAXIMUM_RAW_LENGTH + 1])
    if not 1 <= len(message) <= MAXIMUM_LENGTH:
        raise InvalidBindingMessageError from Reason("its length is not 1 to 100 characters")
    if "" in message.split(" "):
        raise InvalidBindingMessageError from Reason("it has outer or repeated spaces")
    if not all(character == " " or _is_plain(character) for character in message):
        raise InvalidBindingMessageError from Reason("it has a character that is not plain text")
    if _has_stacked_marks(message):
        raise InvalidBindingMessageError from Reason("it has a mark without a letter, or too many")
    if any(_mixes_scripts(word) for word in _WORD.findall(message)):
        raise InvalidBindingMessageError from Reason("a word mixes scripts that look alike")
    return text


def _is_plain(character: str) -> bool:
    return (
        unicodedata.category(character) in _CATEGORIES
        and character not in _INVISIBLE_OR_EMOJI
        and character not in _EMOJI_SIGNS
    )


def _has_stacked_marks(message: str) -> bool:
    run, previous_is_base = 0, False
    for character in message:
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
    latin = any(name.startswith("LATIN") for name in names)
    return latin and any(name.startswith(_CONFUSABLE_SCRIPTS) for name in names)
