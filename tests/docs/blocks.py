"""The fenced blocks of the pages, and what a page says is to be done with them.

A comment on the line before a block marks it; readers of the site do not see it:

- ``<!-- run -->``: the commands are run, and print what is shown;
- ``<!-- run: stays -->``: the one command goes on running, once it has printed what is shown;
- ``<!-- run: soon -->``: likewise, after a moment: what is shown is written behind the scenes;
- ``<!-- run: exit 1 -->``: the last command ends with this status;
- ``<!-- file: NAME -->`` and ``<!-- append: NAME -->``: the block is a file, or the end of one;
- ``<!-- stop: NAME -->``, before no block: what stays and is called so ends here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MARK = re.compile(r"<!-- (run|file|append|stop)(?:: (.+?))? -->")
_FENCE = re.compile(r"^( *)(`{3,})(\w*)\s*$")


@dataclass(frozen=True)
class Block:
    """A marked place of a page: what is to be done, with what, and where it stands."""

    line: int
    language: str
    text: str
    action: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Command:
    """What is typed, and what is shown below it."""

    typed: str
    shown: str


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page, and every mark that stands alone, in their order."""
    lines = iter(enumerate(page.read_text("utf-8").splitlines(), start=1))
    action, detail = "", ""
    for number, line in lines:
        if mark := _MARK.fullmatch(line.strip()):
            action, detail = mark[1], mark[2] or ""
            if action == "stop":
                yield Block(number, "", "", action, detail)
                action, detail = "", ""
        elif fence := _FENCE.match(line):
            text = "".join(_inside(lines, fence[1], fence[2]))
            yield Block(number, fence[3], text, action, detail)
            action, detail = "", ""


def _inside(lines: Iterator[tuple[int, str]], indent: str, fence: str) -> Iterator[str]:
    for _, line in lines:
        if line.strip() == fence:
            return
        yield line.removeprefix(indent) + "\n"


def commands(text: str) -> list[Command]:
    """The commands of a console block, behind ``$``, each with what it prints."""
    found: list[Command] = []
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        typed, _, shown = re.sub(r"\\\n *", "", part).partition("\n")
        found.append(Command(typed, shown))
    return found
