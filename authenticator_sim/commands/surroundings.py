"""What a command is given: streams, environment, clock, randomness; and how it reports."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self, TextIO

from authenticator_sim.core.events import Decided, Event
from authenticator_sim.journal import Journal
from authenticator_sim.ports import Clock, RandomBytes
from authenticator_sim.terminal.keyboard import Keyboard
from authenticator_sim.terminal.reporter import JsonReporter, Reporter, TextReporter
from ciba_service.sca.messages import Challenge

__all__ = ["EventLog", "Surroundings"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The world around one command."""

    stdin: TextIO
    stdout: TextIO
    environment: Mapping[str, str]
    clock: Clock
    random_bytes: RandomBytes

    def keyboard(self) -> Keyboard | None:
        """The user's terminal, where there is one."""
        if not (self.stdin.isatty() and self.stdout.isatty()):
            return None
        return Keyboard(self.stdin.fileno(), self.stdout)

    def reporter(self, *, json: bool, show_challenges: bool = True) -> Reporter:
        """Report to standard output, for a program or for a person."""
        if json:
            return JsonReporter(self.stdout)
        return TextReporter(
            self.stdout, seconds_left=self._seconds_left, show_challenges=show_challenges
        )

    def _seconds_left(self, challenge: Challenge) -> int:
        return max(0, challenge.exp - self.clock.now_ms() // 1000)


class EventLog:
    """Passes events on: decisions to the journal, everything to the reporter and listeners."""

    def __init__(self, reporter: Reporter, journal: Journal) -> None:
        """Begin without listeners."""
        self._reporter = reporter
        self._journal = journal
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> Self:
        """Tell this listener everything, too."""
        self._listeners.append(listener)
        return self

    def report(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, Decided):
            self._journal.record(event)
        self._reporter.report(event)
        for listener in self._listeners:
            listener(event)
