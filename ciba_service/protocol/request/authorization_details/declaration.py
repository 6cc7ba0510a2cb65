"""Types that are declared as data: a JSON Schema, and how every member of it is shown.

They are checked and compiled once, at start; what is wrong with one is then told by name.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec

from ciba_service.protocol.errors import InvalidAuthorizationDetailsError, Reason
from ciba_service.protocol.locale import Locale, Translated, is_said_once, said, texts_of
from ciba_service.protocol.plain_text import NotPlainTextError, parse_plain_text
from ciba_service.protocol.request.authorization_details.display import (
    DisplayedDetail,
    DisplayedTexts,
    MemberDisplay,
    Style,
    UndisplayableError,
    displayed_lines,
)
from ciba_service.protocol.request.authorization_details.granted import AuthorizationDetail
from ciba_service.protocol.request.authorization_details.schemas import (
    InvalidSchemaError,
    Schema,
    UnmetSchemaError,
    compiled_schema,
)
from ciba_service.protocol.request.authorization_details.shape import TypedObject
from ciba_service.protocol.request.authorization_details.values import (
    UnlistableError,
    values_of,
)

__all__ = [
    "DeclaredType",
    "InvalidDetailTypeError",
    "TypeDeclaration",
    "declared_type",
    "parse_declared",
]

_TYPE: Final = re.compile(r"[!-~]{1,128}", re.ASCII)
_Title = Annotated[str, msgspec.Meta(min_length=1, max_length=70)]


class InvalidDetailTypeError(ValueError):
    """A declaration cannot be used; the text names the type, the key and the reason."""


class TypeDeclaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A type as an operator declares it.

    ``schema`` is a JSON Schema of the whole object, ``type`` included. ``title`` stands above what
    is shown of it, in every language or in one text for all. Without ``strong_authentication`` the
    floor of the service is enough for it.
    """

    type: str
    schema: dict[str, object]
    title: _Title | dict[Locale, _Title]
    display: tuple[MemberDisplay, ...] = ()
    strong_authentication: bool = True


@dataclass(frozen=True, slots=True)
class DeclaredType:
    """A declaration that was found usable, with its schema compiled."""

    type: str
    title: Translated
    display: tuple[MemberDisplay, ...]
    strong_authentication: bool
    schema: Schema = field(repr=False, compare=False)

    @property
    def said_once(self) -> str | None:
        """Where it has one text for all languages, the first such place."""
        texts = _texts(self.title, self.display)
        return next((where for where, text in texts if is_said_once(text)), None)


def declared_type(
    declaration: TypeDeclaration,
    compile_schema: Callable[[Mapping[str, object]], Schema] = compiled_schema,
) -> DeclaredType:
    """Check a declaration and compile its schema.

    Raises:
        InvalidDetailTypeError: when the schema is none or leaves a member without display, or a
            text is not plain.
    """
    if not _TYPE.fullmatch(declaration.type):
        raise InvalidDetailTypeError("type must be 1 to 128 printable ASCII characters")
    try:
        return _checked(declaration, compile_schema)
    except InvalidDetailTypeError as error:
        raise InvalidDetailTypeError(f"{declaration.type}: {error}") from error


def parse_declared(sent: TypedObject, declared: DeclaredType) -> DisplayedDetail:
    """Read an object of a declared type, and say what it states.

    Raises:
        InvalidAuthorizationDetailsError: when it does not meet the schema, or has anything that
            cannot be shown.
    """
    try:
        values = values_of(sent.members)
        declared.schema.validate(sent.members)
        del values["type"]  # the title says it
        texts = {
            locale: DisplayedTexts(
                said(declared.title, locale), displayed_lines(values, declared.display, locale)
            )
            for locale in Locale
        }
    except UnmetSchemaError as error:
        raise InvalidAuthorizationDetailsError from Reason(f"{sent.type}: not as in {error}")
    except (UnlistableError, UndisplayableError, NotPlainTextError) as error:
        raise InvalidAuthorizationDetailsError from Reason(f"{sent.type}: {error}")
    text = msgspec.json.encode(sent.members).decode("utf-8")
    return DisplayedDetail(AuthorizationDetail(sent.type, text), texts)


def _checked(
    declaration: TypeDeclaration, compile_schema: Callable[[Mapping[str, object]], Schema]
) -> DeclaredType:
    _check_members(declaration)
    for rule in declaration.display:
        if rule.words and rule.style is not Style.TEXT:
            raise InvalidDetailTypeError(
                f"display: {rule.member}: words and style exclude each other"
            )
    for where, text in _texts(declaration.title, declaration.display):
        _check_text(where, text)
    try:
        schema = compile_schema(declaration.schema)
    except InvalidSchemaError as error:
        raise InvalidDetailTypeError(f"schema: {error}") from error
    return DeclaredType(
        type=declaration.type,
        title=declaration.title,
        display=declaration.display,
        strong_authentication=declaration.strong_authentication,
        schema=schema,
    )


def _check_members(declaration: TypeDeclaration) -> None:
    properties = declaration.schema.get("properties")
    if not isinstance(properties, dict) or "type" not in properties:
        raise InvalidDetailTypeError("schema: properties must list every member, type included")
    paths = [rule.member for rule in declaration.display]
    if len(set(paths)) < len(paths) or any("" in path.split(".") for path in paths):
        raise InvalidDetailTypeError("display: a member has no name, or stands there twice")
    shown = {path.partition(".")[0] for path in paths}
    unseen, unknown = properties.keys() - shown - {"type"}, shown - (properties.keys() - {"type"})
    if unseen:
        raise InvalidDetailTypeError(f"display: {min(unseen)} is missing: nobody would see it")
    if unknown:
        raise InvalidDetailTypeError(f"display: {min(unknown)} is no property of the schema")


def _texts(
    title: Translated, display: tuple[MemberDisplay, ...]
) -> Iterator[tuple[str, Translated]]:
    """Every text that an operator gave, and where it stands."""
    yield "title", title
    for rule in display:
        where = f"display: {rule.member}"
        yield f"{where}: label", rule.label
        for words in rule.words.values():
            yield f"{where}: words", words
        if rule.absent is not None:
            yield f"{where}: absent", rule.absent


def _check_text(where: str, text: Translated) -> None:
    texts = texts_of(text)
    missing = [locale for locale in Locale if locale not in texts]
    if missing:
        raise InvalidDetailTypeError(f"{where}: there is no text for {missing[0]}")
    try:
        for each in texts.values():
            parse_plain_text(each)
    except NotPlainTextError as error:
        raise InvalidDetailTypeError(f"{where}: {error}") from error
