"""All that an object states, as texts in a row: nothing that tokens would say is left unlisted.

Whatever could not be shown one text a value without losing which value belongs to which is no
such object: nothing empty, no null, no fractions, and no lists of anything but single values.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

__all__ = ["UnlistableError", "values_of"]

MAXIMUM_DEPTH: Final = 8
# RFC 7493 2.2: beyond this, readers of JSON differ in what number they see.
_LARGEST_INTEGER: Final = 2**53 - 1
_SEPARATOR: Final = "."


class UnlistableError(ValueError):
    """The object states something that cannot be listed; what is wrong is a constant sentence."""


def values_of(members: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """The values at each path, a path being the names that lead to a value with dots between.

    Texts stand for themselves, integers and booleans as JSON writes them. Several values have one
    path only in a list, of values or of objects with one value each, so that what belongs together
    cannot be confused.

    Raises:
        UnlistableError: when a member cannot be listed so.
    """
    listed: defaultdict[str, list[str]] = defaultdict(list)
    for path, value in _members(members, ()):
        listed[path].append(value)
    return {path: tuple(values) for path, values in listed.items()}


def _members(members: Mapping[str, object], above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if not members:
        raise UnlistableError("an object is empty")
    if len(above) >= MAXIMUM_DEPTH:
        raise UnlistableError("nested too deeply")
    for name, value in members.items():
        path = (*above, _plain(name))
        match value:
            case Mapping():
                yield from _members(value, path)
            case list():
                yield from _elements(value, path)
            case _:
                yield _SEPARATOR.join(path), _text(value)


def _elements(elements: list[object], path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if not elements:
        raise UnlistableError("a list is empty")
    for element in elements:
        match element:
            case Mapping() if len(element) == 1:
                ((name, value),) = element.items()
                yield _SEPARATOR.join((*path, _plain(name))), _text(value)
            case _:
                yield _SEPARATOR.join(path), _text(element)


def _plain(name: str) -> str:
    # Two paths must never look the same.
    if not name or _SEPARATOR in name:
        raise UnlistableError("a name is empty or has a dot")
    return name


def _text(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() if abs(value) <= _LARGEST_INTEGER:
            return str(value)
        case _:
            raise UnlistableError("a value is neither text nor integer nor boolean")
