"""YAML files that users write, read into types; what is wrong is said with its line.

Every value is read as the text that stands there, so that an amount keeps its zeros and ``no`` is
no boolean; the types say what it becomes. A key without a value is an empty table. Anchors and
aliases are refused, and size and depth are bounded.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol, TypeVar

import msgspec
import yaml

from authenticator_sim.errors import UsageError
from authenticator_sim.terminal.look.text import harmless

__all__ = ["Misplaced", "parse_document", "read_text"]

_LARGEST: Final = 64 * 1024
_DEEPEST: Final = 10
_PLACE: Final = re.compile(r"(?P<reason>.*) - at `(?:key in )?(?P<path>\$[^`]*)`", re.DOTALL)
_NULL: Final = "tag:yaml.org,2002:null"

_Document = TypeVar("_Document")
_Meaning = TypeVar("_Meaning")
_Lines = dict[str, int]


class Misplaced(ValueError):
    """A value that has the right type and the wrong meaning; ``path`` is as in ``$.rules[0]``."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.path = path


class _Trick(ValueError):
    """YAML that says what no such file needs to say."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


def read_text(path: Path) -> str:
    """Read a file of bounded size; raises ``UsageError``."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise UsageError(f"{path} is too large.")
        return content.decode()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8.") from error


def parse_document(
    text: str, kind: type[_Document], understand: Callable[[_Document], _Meaning], *, name: str
) -> _Meaning:
    """Read a document and what it means; ``name`` is what to call it.

    Raises:
        UsageError: It is no YAML, or not what it must be; the line is named.
    """
    lines: _Lines = {}
    try:
        _refuse_tricks(text)
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        if tree is None:
            raise UsageError(f"{name} is empty.")
        values = _values(tree, "$", lines)
        return understand(msgspec.convert(values, kind, strict=False))
    except _Trick as error:
        raise _refusal(name, error.line, str(error)) from error
    except yaml.MarkedYAMLError as error:
        raise _refusal(name, _line(error.problem_mark), error.problem or "not YAML") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{name} is not YAML: it has characters that may not be there.") from error
    except Misplaced as error:
        raise _refusal(name, _line_of(error.path, lines), str(error)) from error
    except msgspec.ValidationError as error:
        place = _PLACE.fullmatch(str(error))
        reason, path = (place["reason"], place["path"]) if place else (str(error), "$")
        raise _refusal(name, _line_of(path, lines), f"{_key(path)}{reason}") from error


def _refuse_tricks(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        match event:
            case yaml.AliasEvent():
                raise _Trick(_line(event.start_mark), "aliases are refused")
            case yaml.CollectionStartEvent():
                depth += 1
            case yaml.CollectionEndEvent():
                depth -= 1
            case _:
                pass
        if depth > _DEEPEST:
            raise _Trick(_line(event.start_mark), "nested too deeply")


def _values(node: yaml.Node, path: str, lines: _Lines) -> object:
    lines[path] = _line(node.start_mark)
    match node:
        case yaml.MappingNode():
            return dict(_members(node, path, lines))
        case yaml.SequenceNode(value=items):
            return [_values(item, f"{path}[{at}]", lines) for at, item in enumerate(items)]
        case _ if node.tag == _NULL:
            return {}
        case _:
            return str(node.value)


def _members(node: yaml.MappingNode, path: str, lines: _Lines) -> Iterator[tuple[str, object]]:
    seen: set[str] = set()
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if not name or name in seen:
            reason = f"the key {harmless(name)} stands there twice" if name else "a key is a word"
            raise _Trick(_line(key.start_mark), reason)
        seen.add(name)
        member = f"{path}.{name}"
        converted = _values(value, member, lines)
        lines[member] = key.start_mark.line + 1
        yield name, converted


class _Mark(Protocol):
    line: int


def _line(mark: _Mark | None) -> int:
    return mark.line + 1 if mark else 1


def _line_of(path: str, lines: _Lines) -> int:
    """The line of a path, or of the innermost of what it lies in that is there."""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["))] if len(path) > 1 else ""
    return lines.get(path, 1)


def _key(path: str) -> str:
    return f"{path[2:]}: " if len(path) > 1 else ""


def _refusal(name: str, line: int, reason: str) -> UsageError:
    return UsageError(f"{name}, line {line}: {harmless(reason)}.")
