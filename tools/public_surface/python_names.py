"""The public names of Python: what is in ``__all__`` of the public modules, and how it is used."""

import inspect
import re
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Final

import msgspec

from tools.public_surface.section import Section

__all__ = ["PUBLIC_MODULES", "python_sections"]

PUBLIC_MODULES: Final = (
    "ciba_client",
    "ciba_service.embedding",
    "ciba_service.integrations.authlib",
)

_PATH: Final = re.compile(r"\b(?:[A-Za-z_]\w*\.)+(?=[A-Za-z_])")
"""Where a type is defined inside, which is nobody's business."""
_TOLD: Final = (bool, int, float, str, bytes, tuple, Enum, type(None))
"""Defaults of these types are the same wherever the document is written."""


def python_sections() -> list[Section]:
    """A section for each public module."""
    return [_module(import_module(name)) for name in PUBLIC_MODULES]


def _module(module: types.ModuleType) -> Section:
    names: list[str] = module.__all__
    entries = {name: _lines(getattr(module, name)) for name in names}
    return Section(("python", module.__name__), entries)


def _lines(value: object) -> list[str]:
    if inspect.isclass(value):
        return list(_class(value))
    if inspect.isfunction(value):
        return [_signature(value)]
    return [_plain(str(value))]


def _class(cls: type) -> Iterator[str]:
    bases = ", ".join(base.__name__ for base in cls.__bases__ if base is not object)
    yield f"class({bases})" if bases else "class"
    if issubclass(cls, Enum):
        yield from (f"{each.name} = {each.value!r}" for each in cls)
        return
    if issubclass(cls, msgspec.Struct):
        yield from map(_field, msgspec.structs.fields(cls))
    elif "__init__" in vars(cls) and not getattr(cls, "_is_protocol", False):
        yield f"new{_signature(cls)}"
    for name, member in sorted(vars(cls).items()):
        if not name.startswith("_") or name == "__call__":
            yield from _member(name, member)


def _member(name: str, member: object) -> Iterator[str]:
    if inspect.isfunction(member):
        prefix = "async " if inspect.iscoroutinefunction(member) else ""
        yield f"{prefix}{name}{_signature(member)}"
    elif isinstance(member, property) and member.fget is not None:
        returned = inspect.signature(member.fget).return_annotation
        yield f"{name}: {_plain(inspect.formatannotation(returned))}"


def _field(field: msgspec.structs.FieldInfo) -> str:
    annotation = _plain(inspect.formatannotation(field.type))
    return f"{field.name}: {annotation}" + ("" if field.required else " (optional)")


@dataclass(frozen=True, slots=True)
class _Untold:
    """In place of a default that is another in each process, such as its environment."""

    def __repr__(self) -> str:
        return "..."


def _signature(callable_: Callable[..., object]) -> str:
    signature = inspect.signature(callable_)
    parameters = [
        each
        if each.default is each.empty or isinstance(each.default, _TOLD)
        else each.replace(default=_Untold())
        for each in signature.parameters.values()
    ]
    return _plain(str(signature.replace(parameters=parameters)))


def _plain(text: str) -> str:
    return _PATH.sub("", text)
