"""What the pages tell readers to type is typed here, and prints what they show."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from authenticator_sim.commands.options import new_parser
from ciba_client.flags import argument_parser
from ciba_service.cli import build_parser
from tests.docs.blocks import blocks
from tests.docs.terminal import BIN, Terminal
from tools.site.pages import DOCS, ROOT

JOURNEYS = (
    ("tutorials/nginx-mtls.md",),
    (
        "tutorials/first-flow.md",
        "tutorials/your-own-client.md",
        "tutorials/your-own-phone.md",
        "howto/read-what-happened.md",
        "howto/verify-evidence.md",
        "howto/debug-a-callback.md",
        "howto/rotate-keys.md",
        "howto/block-a-phone.md",
    ),
)
"""Pages that belong together: each goes on where the one before it ended."""

EXAMPLES = sorted((ROOT / "examples").glob("*/README.md"))
PAGES = [ROOT / "README.md", *EXAMPLES, *sorted(DOCS.rglob("*.md"))]
PARSERS = {parser.prog: parser for parser in (build_parser(), argument_parser(), new_parser({}))}


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal in a new folder of a repository, of somebody with a new home."""
    opened = Terminal(tmp_path / "tutorial")
    opened.folder.mkdir()
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    for name in ("ciba.example.toml", "client.example.toml"):
        text = (ROOT / name).read_text("utf-8")
        (tmp_path / name).write_text(opened.put(text), "utf-8")
    monkeypatch.chdir(opened.folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AUTHENTICATOR_SIM_PIN", "")
    monkeypatch.setenv("PATH", str(BIN), prepend=":")
    try:
        yield opened
    finally:
        opened.stop()


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: Path(journey[0]).stem)
def test_tutorials_and_how_tos_do_what_they_say(terminal: Terminal, journey: tuple[str, ...]):
    """In one folder, each page where the one before it ended."""
    for name in journey:
        for block in blocks(DOCS / name):
            terminal.do(block)


def test_every_page_with_commands_that_run_is_on_a_journey():
    """Nothing is marked in vain."""
    marked = {
        page.relative_to(DOCS).as_posix()
        for page in DOCS.rglob("*.md")
        if any(block.action for block in blocks(page))
    }
    assert marked == set().union(*JOURNEYS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_of_ours_can_be_typed(page: Path):
    """Whatever a page shows of the three programs, they know its commands and options."""
    for line, program, words in typed_anywhere(page):
        assert knows(program, words), f"{page.name}:{line}: {program} {shlex.join(words)}"


def knows(program: str, words: list[str]) -> bool:
    """Whether a program would begin with the work, or print what it is asked for and end."""
    try:
        PARSERS[program].parse_args(words)
    except SystemExit as ended:
        return not ended.code
    return True


def typed_anywhere(page: Path) -> Iterator[tuple[int, str, list[str]]]:
    """Commands of the three programs in blocks for a shell, up to a pipe or the like."""
    for block in blocks(page):
        if block.language not in {"sh", "console", "bash"}:
            continue
        for typed in re.sub(r"\\\n\s*", "", block.text).splitlines():
            words = shlex.split(typed.replace("$(", " ; ").replace(")", " ; "), comments=True)
            at = [index for index, word in enumerate(words) if Path(word).name in PARSERS]
            if not at or (block.language == "console" and not typed.startswith("$ ")):
                continue
            rest = words[at[0] + 1 :]
            if at[0] > 0 and rest in ([], ["."]):  # it is the name of a unit or an image
                continue
            end = [index for index, word in enumerate(rest) if re.match(r"[|<>&;]|\d>", word)]
            yield block.line, Path(words[at[0]]).name, rest[: end[0]] if end else rest
