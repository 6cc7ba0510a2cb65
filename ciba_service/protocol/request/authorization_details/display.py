"""How a declared object is said to people: a rule for each member, and no value without one."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final, assert_never

import msgspec

from ciba_service.protocol.locale import Locale, Translated, said
from ciba_service.protocol.plain_text import parse_plain_text
from ciba_service.protocol.request.authorization_details.granted import AuthorizationDetail
from ciba_service.protocol.request.authorization_details.iban import in_groups, is_iban

__all__ = [
    "DisplayedDetail",
    "DisplayedLine",
    "DisplayedTexts",
    "MemberDisplay",
    "Style",
    "UndisplayableError",
    "displayed_lines",
]

MAXIMUM_LABEL_LENGTH: Final = 40
MAXIMUM_TEXT_LENGTH: Final = 140

_Label = Annotated[str, msgspec.Meta(min_length=1, max_length=MAXIMUM_LABEL_LENGTH)]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAXIMUM_TEXT_LENGTH)]
_TranslatedLabel = _Label | dict[Locale, _Label]
_TranslatedText = _Text | dict[Locale, _Text]


class UndisplayableError(ValueError):
    """A value has no rule, or one that does not fit; what is wrong is a constant sentence."""


class Style(StrEnum):
    """How a value is written."""

    TEXT = "text"
    IBAN = "iban"


class MemberDisplay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rule for one member, as an operator declares it.

    ``member`` is its path, the names with dots between (``accounts.iban``). ``words`` say values
    in other words, and then no further value is allowed; ``absent`` is said when the member is not
    there, and must be given where its absence means anything. Each text is there in every language,
    or is one for all.
    """

    member: str
    label: _TranslatedLabel
    style: Style = Style.TEXT
    words: dict[str, _TranslatedText] = {}
    absent: _TranslatedText | None = None


@dataclass(frozen=True, slots=True)
class DisplayedLine:
    """What is shown of one member, text by text.

    Where it is ``worded`` the texts are the service's words, else the values themselves.
    """

    member: str
    label: str
    texts: tuple[str, ...]
    worded: bool


@dataclass(frozen=True, slots=True)
class DisplayedTexts:
    """All that is shown of an object, in one language."""

    title: str
    lines: tuple[DisplayedLine, ...]


@dataclass(frozen=True, slots=True)
class DisplayedDetail:
    """An object together with all that is shown of it, in every language."""

    detail: AuthorizationDetail
    texts: Mapping[Locale, DisplayedTexts]


def displayed_lines(
    values: Mapping[str, tuple[str, ...]], rules: tuple[MemberDisplay, ...], locale: Locale
) -> tuple[DisplayedLine, ...]:
    """The lines that show all of ``values`` in a language, in the order of the rules.

    Raises:
        UndisplayableError: when a value has no rule, or one that does not fit.
        NotPlainTextError: when a value is not plain text.
    """
    if values.keys() - {rule.member for rule in rules}:
        raise UndisplayableError("a member is unknown: nobody would see it")
    lines = (_line(rule, values.get(rule.member), locale) for rule in rules)
    return tuple(line for line in lines if line is not None)


def _line(
    rule: MemberDisplay, values: tuple[str, ...] | None, locale: Locale
) -> DisplayedLine | None:
    label = said(rule.label, locale)
    if values is None:
        if rule.absent is None:
            return None
        return DisplayedLine(rule.member, label, (said(rule.absent, locale),), worded=True)
    if rule.words:
        texts = tuple(said(_in_words(rule.words, value), locale) for value in values)
        return DisplayedLine(rule.member, label, texts, worded=True)
    texts = tuple(_written(rule.style, value) for value in values)
    return DisplayedLine(rule.member, label, texts, worded=False)


def _in_words(words: Mapping[str, Translated], value: str) -> Translated:
    if value not in words:
        raise UndisplayableError("there are no words for a value")
    return words[value]


def _written(style: Style, value: str) -> str:
    match style:
        case Style.TEXT:
            if len(value) > MAXIMUM_TEXT_LENGTH:
                raise UndisplayableError("a text is too long")
            return parse_plain_text(value)
        case Style.IBAN:
            if not is_iban(value):
                raise UndisplayableError("the IBAN is not valid")
            return in_groups(value)
        case _:
            assert_never(style)
