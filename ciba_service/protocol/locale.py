"""The languages that users are spoken to in, and texts that are there in each of them."""

from collections.abc import Mapping
from enum import StrEnum

__all__ = ["Locale", "Translated", "is_said_once", "said", "texts_of"]


class Locale(StrEnum):
    """A language, as its BCP 47 tag."""

    EN = "en"
    DE = "de"


Translated = str | Mapping[Locale, str]
"""A text for each language, or one that is the same in all of them."""


def said(text: Translated, locale: Locale) -> str:
    """The text in a language; raises ``KeyError``: nothing is said in another one instead."""
    return text if isinstance(text, str) else text[locale]


def is_said_once(text: Translated) -> bool:
    """Whether it is one text for all languages."""
    return isinstance(text, str)


def texts_of(text: Translated) -> Mapping[Locale, str]:
    """The text by language; a language that is missing has none."""
    return dict.fromkeys(Locale, text) if isinstance(text, str) else text
