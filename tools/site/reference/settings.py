"""Every key of ciba.toml with type, bounds, default and variable, from the types themselves."""

import re
from typing import Final

import msgspec
from msgspec import inspect

from ciba_service.settings.reading import Document
from ciba_service.settings.sections import ClientSettings
from tools.site.reference.kinds import as_toml, in_words
from tools.site.reference.tables import NONE, code, table

__all__ = ["settings_page"]

_HEAD: Final = ("key", "type and bounds", "default", "environment")
_INTRODUCTION: Final = """\
# Settings by type

Every key of `ciba.toml` with its type, bounds and default, written from the code. What each key
*means* is told in [Configuration](../configuration.md). A value out of its bounds stops the start.
"""


def settings_page() -> str:
    """The page."""
    fields = msgspec.structs.fields(Document)
    chapters = (_chapter(each.encode_name, inspect.type_info(each.type)) for each in fields)
    return "\n".join((_INTRODUCTION, *chapters))


def _chapter(name: str, kind: inspect.Type) -> str:
    listed = isinstance(kind, inspect.VarTupleType)
    if isinstance(kind, inspect.VarTupleType):
        kind = kind.item_type
    # Clients are tables of any kind at first, and then of a type of their own.
    cls = kind.cls if isinstance(kind, inspect.StructType) else ClientSettings
    title = f"[[{name}]]" if listed else f"[{name}]"
    rows = [_row(name, field, overridable=not listed) for field in _fields(cls)]
    return f"## `{title}`\n\n{_docstring(cls)}\n\n{table(_HEAD, rows)}"


def _fields(cls: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    kind = inspect.type_info(cls)
    return kind.fields if isinstance(kind, inspect.StructType) else ()


def _row(section: str, field: inspect.Field, *, overridable: bool) -> tuple[str, ...]:
    variable = f"CIBA_{section}__{field.encode_name}".upper()
    simple = overridable and not _has_tables(field.type)
    return (
        code(field.encode_name),
        in_words(field.type),
        _default(field),
        code(variable) if simple else NONE,
    )


def _default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    value = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory()
    if value is None or value in ((), {}, ""):
        return NONE
    return "its own defaults" if isinstance(value, msgspec.Struct) else code(as_toml(value))


def _has_tables(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.VarTupleType):
        kind = kind.item_type
    if isinstance(kind, inspect.UnionType):
        return any(map(_has_tables, kind.types))
    return isinstance(kind, inspect.StructType)


def _docstring(cls: type) -> str:
    text = re.sub(r"``([^`]+)``", r"`\1`", cls.__doc__ or "")
    return re.sub(r"\n {4}", "\n", text).strip()
