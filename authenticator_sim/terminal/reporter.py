"""What happens, told to a person as it looks on a terminal, or to a program as JSON lines."""

from collections.abc import Callable
from typing import Protocol, TextIO

import msgspec

from authenticator_sim.core.events import (
    ChallengeShown,
    DeviceListCompleted,
    DeviceShown,
    Event,
    FetchCompleted,
    PasskeyListCompleted,
    PasskeyShown,
)
from authenticator_sim.terminal.look.look import Look, Row
from authenticator_sim.terminal.look.plain_look import PLAIN

__all__ = ["JsonReporter", "Reporter", "TextReporter"]


class Reporter(Protocol):
    """Tells events to whoever started the phone."""

    def report(self, event: Event) -> None:
        """Tell one event at once."""
        ...


class JsonReporter:
    """One JSON object a line."""

    def __init__(self, screen: TextIO) -> None:
        """Write to this stream."""
        self._screen = screen

    def report(self, event: Event) -> None:
        """Write one line and flush it."""
        self._screen.write(f"{msgspec.json.encode(event).decode()}\n")
        self._screen.flush()


class TextReporter:
    """Sentences; each new challenge as the user sees it, unless a dialogue shows it.

    Of a command that ``lists``, a look with tables keeps the rows until all are there.
    """

    def __init__(
        self,
        screen: TextIO,
        *,
        show_challenges: bool = True,
        lists: bool = False,
        look: Look = PLAIN,
    ) -> None:
        """Write to this stream."""
        self._screen = screen
        self._show_challenges = show_challenges
        self._look = look
        self._table = look.table if lists else None
        self._rows: list[Row] = []

    def report(self, event: Event) -> None:
        """Write what a person wants to know of the event, and flush it."""
        text = self._text(event) if self._table is None else self._gathered(event, self._table)
        if text:
            self._screen.write(text)
            self._screen.flush()

    def _gathered(self, event: Event, table: Callable[[tuple[Row, ...]], str]) -> str:
        match event:
            case ChallengeShown() | DeviceShown() | PasskeyShown():
                self._rows.append(event)
                return ""
            case FetchCompleted() | DeviceListCompleted() | PasskeyListCompleted() if self._rows:
                return table(tuple(self._rows))
            case _:
                return self._text(event)

    def _text(self, event: Event) -> str:
        if not isinstance(event, ChallengeShown):
            return self._look.event(event)
        return self._look.request(event) if self._show_challenges else ""
