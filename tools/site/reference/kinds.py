"""Types of settings in words, and their values as TOML has them."""

from collections.abc import Iterable
from enum import Enum
from functools import singledispatch
from pathlib import Path
from typing import Final

from msgspec import inspect

from tools.site.reference.tables import code

__all__ = ["as_toml", "in_words"]

_BOUNDS: Final = (("ge", "from"), ("gt", "above"), ("le", "to"), ("lt", "below"))


def as_toml(value: object) -> str:
    """A value as it is written in the file."""
    if isinstance(value, Enum):
        return as_toml(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list | frozenset):
        return "[" + ", ".join(sorted(map(as_toml, value))) + "]"
    return f'"{value}"' if isinstance(value, str | Path) else str(value)


@singledispatch
def in_words(kind: inspect.Type) -> str:
    """A type with its bounds, for readers."""
    return "boolean" if isinstance(kind, inspect.BoolType) else "any"


@in_words.register
def _(kind: inspect.UnionType) -> str:
    return " or ".join(
        in_words(each) for each in kind.types if not isinstance(each, inspect.NoneType)
    )


@in_words.register
def _(kind: inspect.LiteralType) -> str:
    return _choice(kind.values)


@in_words.register
def _(kind: inspect.EnumType) -> str:
    return _choice(kind.cls)


@in_words.register
def _(kind: inspect.VarTupleType) -> str:
    return f"list of {in_words(kind.item_type)}"


@in_words.register
def _(kind: inspect.CollectionType) -> str:
    return f"list of {in_words(kind.item_type)}"


@in_words.register
def _(kind: inspect.DictType) -> str:
    return f"table of {in_words(kind.value_type)}"


@in_words.register
def _(kind: inspect.StructType) -> str:
    return "table of " + ", ".join(code(field.encode_name) for field in kind.fields)


@in_words.register
def _(kind: inspect.CustomType) -> str:
    return "text" if kind.cls is Path else kind.cls.__name__


@in_words.register
def _(kind: inspect.IntType) -> str:
    return f"integer{_bounds(kind)}"


@in_words.register
def _(kind: inspect.FloatType) -> str:
    return f"number{_bounds(kind)}"


@in_words.register
def _(kind: inspect.StrType) -> str:
    if kind.pattern:
        return f"text that matches {code(kind.pattern)}"
    return f"text, at most {kind.max_length} characters" if kind.max_length else "text"


def _choice(values: Iterable[object]) -> str:
    return " or ".join(sorted(code(as_toml(each)) for each in values))


def _bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    given = ((word, getattr(kind, name)) for name, word in _BOUNDS)
    said = [f"{word} {bound:,}" for word, bound in given if bound is not None]
    return ", " + " ".join(said) if said else ""
