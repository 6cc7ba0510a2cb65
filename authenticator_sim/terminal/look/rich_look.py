"""The look of a terminal: sheets, signs and colours; the words are those of the plain look."""

from collections.abc import Callable
from typing import Final

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from authenticator_sim.core.events import ApprovalAwaited, ChallengeShown, Decided, Event
from authenticator_sim.ports import Clock
from authenticator_sim.terminal.countdown import Countdown
from authenticator_sim.terminal.keyboard import ERASE_LINE
from authenticator_sim.terminal.look.canvas import Canvas, foreign
from authenticator_sim.terminal.look.look import Row
from authenticator_sim.terminal.look.tables import history_table, table_of
from authenticator_sim.terminal.look.tones import Tone, tone_of
from authenticator_sim.terminal.sheet import sheet
from authenticator_sim.terminal.wording.sentences import sentence
from authenticator_sim.terminal.wording.view import render_choices
from ciba_service.sca.messages import Challenge

__all__ = ["RichLook"]

_SIGNS: Final = {
    Tone.NOTE: ("·", ""),
    Tone.DONE: ("✔", "green"),
    Tone.DECLINED: ("✖", "yellow"),
    Tone.REFUSED: ("✖", "bold red"),
    Tone.OVER: ("○", "dim"),
    Tone.KEY: ("»", "bold cyan"),
    Tone.WARNING: ("!", "bold yellow"),
    Tone.ALARM: ("!", "bold red"),
}
_FRAMED: Final = frozenset({Tone.KEY, Tone.WARNING, Tone.ALARM})
_KEYS: Final = r"\[.+?\]"


class RichLook:
    """Draws on a canvas; what is told takes the line of a question that stands there."""

    def __init__(self, columns: Callable[[], int]) -> None:
        """Ask before each page how wide the terminal is."""
        self._canvas = Canvas(columns)

    @property
    def table(self) -> Callable[[tuple[Row, ...]], str]:
        """Draws one table."""
        return lambda rows: self._canvas.draw(table_of(rows))

    def event(self, event: Event) -> str:
        """Draw its sentence with a sign, or in a frame where it must not be missed."""
        text = sentence(event)
        if not text:
            return ""
        tone = tone_of(event)
        told = Text("\n").join(foreign(line) for line in text.split("\n"))
        if isinstance(event, ApprovalAwaited):
            told.append(f"\n\n{' '.join(event.code[:3])}   {' '.join(event.code[3:])}", "bold")
        line = _signed(told, tone)
        return self._tell(_framed(line, tone) if tone in _FRAMED else line)

    def request(self, shown: ChallengeShown) -> str:
        """Draw the transaction and its approval sheet."""
        name = Text("Transaction ") + foreign(shown.transaction_id, "bold")
        return self._tell(name, *sheet(shown.challenge, shown.seconds_left))

    def question(self, challenge: Challenge, seconds_left: int) -> str:
        """Draw the approval sheet and the answers, none of them larger than another."""
        choices = Text(render_choices())
        choices.highlight_regex(_KEYS, "bold")
        return self._tell(Text(), *sheet(challenge, seconds_left), Text(), choices)

    def newcomer(self, name: str) -> str:
        """Draw who waits and what Enter and n mean; the code is not shown (it is to be read)."""
        told = Text("Another phone wants to be yours: ") + foreign(name, "bold")
        keys = Text("Enter turns it away, n says that you know nothing of it.")
        return self._tell(Text(), told, keys)

    def problem(self, sentence: str) -> str:
        """Draw the sentence with the sign of a refusal."""
        return self._tell(_signed(foreign(sentence), Tone.REFUSED))

    def gone(self) -> str:
        """Say so in place of the question."""
        return self._tell(_signed(Text("This request is no longer open."), Tone.OVER))

    def history(self, decisions: tuple[Decided, ...]) -> str:
        """Draw one table, or nothing where nothing was decided."""
        return self._canvas.draw(history_table(decisions)) if decisions else ""

    def countdown(self, clock: Clock, seconds_left: Callable[[], int]) -> Countdown:
        """Show the time left beside the question."""
        return Countdown(clock, seconds_left)

    def _tell(self, *parts: RenderableType) -> str:
        return f"{ERASE_LINE}{self._canvas.draw(*parts)}"


def _signed(told: Text, tone: Tone) -> RenderableType:
    sign, style = _SIGNS[tone]
    told.stylize_before(style)
    line = Table.grid(padding=(0, 1))
    line.add_column(width=1)
    line.add_column(overflow="fold")
    line.add_row(Text(sign, style), told)
    return line


def _framed(line: RenderableType, tone: Tone) -> RenderableType:
    _, style = _SIGNS[tone]
    rule = Rule(characters="━", style=style)
    return Group(rule, line, rule)
