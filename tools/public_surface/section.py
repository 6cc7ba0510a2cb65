"""One table of the document: names, and for each one what is promised about it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Section"]


@dataclass(frozen=True, slots=True)
class Section:
    """A table ``title`` with an array of strings for each name; empty arrays are promises too."""

    title: tuple[str, ...]
    entries: Mapping[str, Sequence[str]]

    def toml(self) -> str:
        """The table, one string a line, names in the order of the alphabet."""
        title = ".".join(map(_key, self.title))
        rows = (f"{_key(name)} = {_array(self.entries[name])}\n" for name in sorted(self.entries))
        return f"[{title}]\n" + "".join(rows)


def _key(name: str) -> str:
    is_bare = name.isascii() and name.replace("-", "_").isidentifier()
    return name if is_bare else _text(name)


def _array(lines: Sequence[str]) -> str:
    if len(lines) < 2:  # noqa: PLR2004 - one line has room in one line
        return f"[{''.join(map(_text, lines))}]"
    return "[\n" + "".join(f"  {_text(line)},\n" for line in lines) + "]"


def _text(value: str) -> str:
    # What JSON escapes is a basic string of TOML, too.
    return json.dumps(value, ensure_ascii=False)
