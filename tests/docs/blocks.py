"""The fenced blocks of the pages, and what a page says is to be done with them.

A comment on the line before a block marks it; readers of the site do not see it:

- ``<!-- run -->``: the commands are run, and print what is shown;
- ``<!-- run: stays -->``: the one command goes on running, once it has printed what is shown;
- ``<!-- run: soon -->``: likewise, after a moment: what is shown is written behind the scenes;
- ``<!-- run: until TEXT -->``: the last command goes on running, once it has printed this;
- ``<!-- run: exit 1 -->``: the last command ends with this status;
- ``<!-- not run: REASON -->``: no test types it, and why; each block for a shell is the one or the
  other;
- ``<!-- file: NAME -->`` and ``<!-- append: NAME -->``: the block is a file, or the end of one;
- ``<!-- type: NAME until TEXT -->``: the block is typed into what stays and has this in its name,
  which then prints TEXT.

Before no block stand

- ``<!-- unseen: COMMAND -->``, or ``COMMAND until TEXT``: what a reader has done elsewhere;
- ``<!-- stop: NAME -->``: what stays and has this in its name ends here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHELLS = frozenset({"sh", "console", "bash", "shell"})
_ALONE = frozenset({"stop", "unseen"})
_MARK = re.compile(r"<!-- (run|not run|file|append|type|stop|unseen)(?:: (.+?))? -->")
_FENCE = re.compile(r"^( *)(`{3,})(\w*)\s*$")


@dataclass(frozen=True)
class Block:
    """A marked place of a page: what is to be done, with what, and where it stands."""

    line: int
    language: str
    text: str
    action: str = ""
    detail: str = ""

    @property
    def until(self) -> str:
        """What the last command has printed when the next block is done; empty if it ends."""
        return self.detail.rpartition("until ")[2] if "until " in self.detail else ""


@dataclass(frozen=True)
class Command:
    """What is typed, and what is shown below it; ``None`` where a page shows nothing of that."""

    typed: str
    shown: str | None


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page, and every mark that stands alone, in their order."""
    lines = iter(enumerate(page.read_text("utf-8").splitlines(), start=1))
    action, detail = "", ""
    for number, line in lines:
        if mark := _MARK.fullmatch(line.strip()):
            action, detail = mark[1], mark[2] or ""
            if action in _ALONE:
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


def commands(block: Block) -> list[Command]:
    """The commands of a block: behind ``$`` with what each prints, else line by line."""
    text = re.sub(r"\\\n *", "", block.text)
    if block.language == "console":
        parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
        return [Command(*part.partition("\n")[::2]) for part in parts]
    return [Command(line, None) for line in text.splitlines() if line.split("#")[0].strip()]
