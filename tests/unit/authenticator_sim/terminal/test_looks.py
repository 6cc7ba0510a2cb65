"""Where colours and tables are shown, and where everything stays plain."""

import io
import termios
from collections.abc import Iterator

import pytest

from authenticator_sim.terminal.look.looks import look_for
from authenticator_sim.terminal.look.plain_look import PLAIN
from authenticator_sim.terminal.look.size import columns_of
from tests.unit.authenticator_sim.pseudo_terminal import Terminal
from tests.unit.authenticator_sim.scripted_service import ScriptedBank

XTERM = {"TERM": "xterm"}


@pytest.fixture
def silent_terminal() -> Iterator[Terminal]:
    """A terminal that nobody looks at."""
    terminal = Terminal()
    yield terminal
    terminal.close()


def test_a_terminal_gets_colours_and_tables(silent_terminal: Terminal) -> None:
    """As wide as it is; an empty NO_COLOR asks for nothing."""
    for environment in (XTERM, {**XTERM, "NO_COLOR": ""}):
        look = look_for(silent_terminal.screen, environment, plain=False)
        assert look is not PLAIN
    termios.tcsetwinsize(silent_terminal.program, (24, 41))
    assert "━" * 40 in look.question(ScriptedBank().challenge(), 125)
    assert "━" * 41 not in look.question(ScriptedBank().challenge(), 125)


def test_a_terminal_without_a_size_is_eighty_columns_wide(silent_terminal: Terminal) -> None:
    """As terminals were."""
    assert columns_of(silent_terminal.program) == 80


@pytest.mark.parametrize(
    "environment", [{**XTERM, "NO_COLOR": "1"}, {}, {"TERM": ""}, {"TERM": "dumb"}]
)
def test_a_terminal_that_wants_none_stays_plain(
    silent_terminal: Terminal, environment: dict[str, str]
) -> None:
    """Or that cannot show them."""
    assert look_for(silent_terminal.screen, environment, plain=False) is PLAIN


def test_plain_is_plain(silent_terminal: Terminal) -> None:
    """``--plain`` says so on any terminal."""
    assert look_for(silent_terminal.screen, XTERM, plain=True) is PLAIN


def test_a_pipe_stays_plain() -> None:
    """Programs read it."""
    assert look_for(io.StringIO(), XTERM, plain=False) is PLAIN


def test_a_terminal_of_another_encoding_stays_plain(silent_terminal: Terminal) -> None:
    """It could not show the lines."""
    with open(silent_terminal.program, "w", closefd=False, encoding="latin-1") as screen:
        assert look_for(screen, XTERM, plain=False) is PLAIN
