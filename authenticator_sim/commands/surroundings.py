"""What a command is given: streams, environment, clock and randomness."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from authenticator_sim.ports import Clock, RandomBytes
from authenticator_sim.terminal.keyboard import Keyboard
from authenticator_sim.terminal.look.look import Look
from authenticator_sim.terminal.look.looks import look_for
from authenticator_sim.terminal.reporter import JsonReporter, Reporter, TextReporter

__all__ = ["Surroundings"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The world around one command; ``plain``: without colours and tables on a terminal, too."""

    stdin: TextIO
    stdout: TextIO
    environment: Mapping[str, str]
    clock: Clock
    random_bytes: RandomBytes
    plain: bool = False

    def keyboard(self) -> Keyboard | None:
        """The user's terminal, where there is one."""
        if not (self.stdin.isatty() and self.stdout.isatty()):
            return None
        return Keyboard(self.stdin.fileno(), self.stdout)

    def look(self) -> Look:
        """How things look on standard output."""
        return look_for(self.stdout, self.environment, plain=self.plain)

    def reporter(
        self, *, json: bool, show_challenges: bool = True, lists: bool = False
    ) -> Reporter:
        """Report to standard output, for a program or for a person; ``lists``: rows together."""
        if json:
            return JsonReporter(self.stdout)
        return TextReporter(
            self.stdout, show_challenges=show_challenges, lists=lists, look=self.look()
        )
