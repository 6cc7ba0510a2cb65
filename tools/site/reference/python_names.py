"""The public names of our libraries, with signatures and docstrings."""

import enum
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Final

import ciba_client
from ciba_service import embedding
from ciba_service.integrations import authlib

__all__ = ["python_pages"]

_MODULES: Final = (
    ("client", ciba_client, "[Your own client](../tutorials/your-own-client.md)"),
    ("embedding", embedding, "[In your own ASGI application](../embedding.md)"),
    ("authlib", authlib, "[CIBA in an Authlib server](../integrations-authlib.md)"),
)
_PACKAGES: Final = re.compile(
    r"(?:ciba_client|ciba_service|collections|typing|pathlib|ssl|msgspec)\.(?:[a-z_]+\.)*"
)
_WRITTEN: Final = (str, int, float, type(None), type)
_SECTION: Final = re.compile(
    r"^(Args|Returns|Raises|Yields|Attributes):\n((?: {4}.*\n?)+)", re.MULTILINE
)


def python_pages() -> dict[str, str]:
    """A page for each module that others may import, by its path."""
    return {f"reference/python-{name}.md": _page(module, shown) for name, module, shown in _MODULES}


def _page(module: ModuleType, shown: str) -> str:
    names = sorted(module.__all__, key=str.lower)
    introduction = (
        f"# Python: `{module.__name__}`\n\nThe public names of `{module.__name__}`, as the code "
        f"describes them. How they are used is shown in {shown}.\n"
    )
    return "\n".join((introduction, *(_chapter(name, getattr(module, name)) for name in names)))


def _chapter(name: str, thing: object) -> str:
    parts = [f"## {name}"]
    if inspect.isclass(thing) or inspect.isfunction(thing):
        parts += [_signature(name, thing), _prose(thing)]
    if inspect.isclass(thing):
        parts += [_method(name, *each) for each in _methods(thing)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _methods(cls: type) -> list[tuple[str, Callable[..., object]]]:
    if issubclass(cls, BaseException | enum.Enum):
        return []
    return [
        (name, member)
        for name, member in vars(cls).items()
        if inspect.isfunction(member) and not name.startswith("_") and member.__doc__
    ]


def _method(owner: str, name: str, member: Callable[..., object]) -> str:
    return f"### {owner}.{name}\n\n{_signature(name, member)}\n\n{_prose(member)}"


def _signature(name: str, thing: object) -> str:
    if isinstance(thing, type) and issubclass(thing, enum.Enum):
        values = (f"{each.name} = {each.value!r}" for each in thing)
        return "```python\n" + "\n".join(values) + "\n```"
    if not callable(thing) or (isinstance(thing, type) and issubclass(thing, BaseException)):
        return ""
    text = _PACKAGES.sub("", str(_plain(inspect.signature(thing))))
    word = "async " if inspect.iscoroutinefunction(thing) else ""
    return f"```python\n{word}{name}{_wrapped(text)}\n```"


@dataclass(frozen=True)
class _Said:
    """A default in words: of an object they say nothing, nor of what the builder's machine has."""

    text: str

    def __repr__(self) -> str:
        return self.text


def _plain(signature: inspect.Signature) -> inspect.Signature:
    parameters = [
        each.replace(default=_said(each.default)) for each in signature.parameters.values()
    ]
    return signature.replace(parameters=parameters)


def _said(default: object) -> object:
    if isinstance(default, enum.Enum):
        return _Said(f"{type(default).__name__}.{default.name}")
    return default if isinstance(default, _WRITTEN) else _Said("...")


def _wrapped(signature: str) -> str:
    """A long signature with one argument a line."""
    if len(signature) < 80:  # noqa: PLR2004 - what a line of the page holds
        return signature
    return re.sub(r", (?=\*|\w+:)", ",\n    ", signature.replace("(", "(\n    ", 1))


def _prose(thing: object) -> str:
    """A docstring as Markdown: its sections as bold words, its listings as they are."""
    text = inspect.getdoc(thing) or ""
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    return _SECTION.sub(_section, text)


def _section(match: re.Match[str]) -> str:
    lines = re.sub(r"^ {4}(?=\S)", "- ", match[2], flags=re.MULTILINE)
    return f"**{match[1]}**\n\n{lines}"
