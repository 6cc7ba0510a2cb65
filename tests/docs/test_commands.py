"""What the pages tell readers to type is typed here, and prints what they show."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from authenticator_sim.commands.options import new_parser
from ciba_client.flags import argument_parser
from ciba_service.cli import build_parser
from tests.docs.blocks import SHELLS, blocks
from tests.docs.terminal import Terminal
from tools.site.pages import DOCS, ROOT

JOURNEYS = (
    (
        "README.md",
        "docs/operations.md",
        "docs/howto/back-up-and-upgrade.md",
        "docs/operator-api.md",
        "docs/playground.md",
    ),
    ("examples/agent_approval/README.md",),
    ("examples/authlib_flask/README.md",),
    ("examples/fastapi_approval/README.md",),
    ("examples/node_token_endpoint/README.md",),
    ("examples/starlette_mount/README.md",),
    ("examples/till/README.md", "docs/simulator.md"),
    ("docs/tutorials/nginx-mtls.md",),
    (
        "docs/tutorials/first-flow.md",
        "docs/tutorials/your-own-client.md",
        "docs/tutorials/your-own-phone.md",
        "docs/howto/read-what-happened.md",
        "docs/howto/verify-evidence.md",
        "docs/evidence.md",
        "docs/howto/debug-a-callback.md",
        "docs/howto/rotate-keys.md",
        "docs/howto/block-a-phone.md",
    ),
)
"""Pages that belong together: each goes on where the one before it ended."""

ON_ITS_OWN = {"docs/tutorials/production.md"}
"""``test_production.py`` makes the machines for it."""

EXAMPLES = sorted((ROOT / "examples").glob("*/README.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *EXAMPLES, *sorted(DOCS.rglob("*.md"))]
LEAST_REASON = 3
"""Words."""

PARSERS = {parser.prog: parser for parser in (build_parser(), argument_parser(), new_parser({}))}


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey[0])
def test_pages_do_what_they_say(terminal: Terminal, journey: tuple[str, ...]):
    """In one clone of the repository, each page where the one before it ended."""
    for name in journey:
        for block in blocks(ROOT / name):
            terminal.do(block)


def test_every_page_with_commands_that_run_is_on_a_journey():
    """Nothing is marked in vain."""
    marked = {
        page.relative_to(ROOT).as_posix()
        for page in PAGES
        if any(block.action not in {"", "not run"} for block in blocks(page))
    }
    assert marked == ON_ITS_OWN.union(*JOURNEYS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_is_run_or_it_is_said_why_not(page: Path):
    """In blocks for a shell, which are the only ones with commands to be typed."""
    for block in blocks(page):
        if block.language in SHELLS:
            assert block.action in {"run", "not run"}, block.line
            assert block.action == "run" or is_a_reason(block.detail), block.line
        else:
            assert not block.text.startswith("$ "), f"{block.line}: it is of the language console"


def is_a_reason(text: str) -> bool:
    """Whether it says something, and what it refers to is there: a test, or a page that is run."""
    named = re.findall(r"[\w-]+/[\w./-]*\w", text)
    pages = {name for name in named if name.endswith(".md")}
    return (
        len(text.split()) >= LEAST_REASON
        and all((ROOT / name).exists() for name in named)
        and pages <= set().union(*JOURNEYS)
    )


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
        if block.language not in SHELLS:
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
