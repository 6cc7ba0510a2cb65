"""How things look on a terminal; every method returns what is to be written, or nothing."""

from collections.abc import Callable
from typing import Protocol

from authenticator_sim.core.events import (
    ChallengeShown,
    Decided,
    DeviceShown,
    Event,
    PasskeyShown,
)
from authenticator_sim.ports import Clock
from authenticator_sim.terminal.countdown import Countdown
from ciba_service.sca.messages import Challenge

__all__ = ["Look", "Row"]

Row = ChallengeShown | DeviceShown | PasskeyShown
"""What can stand in a table."""


class Look(Protocol):
    """Turns what there is to tell into text for a screen."""

    @property
    def table(self) -> Callable[[tuple[Row, ...]], str] | None:
        """Shows a complete list of rows of one kind; none where each is told as it comes."""
        ...

    def event(self, event: Event) -> str:
        """Something that happened; empty when it is of no interest to a person."""
        ...

    def request(self, shown: ChallengeShown) -> str:
        """A request that this user or somebody else may answer elsewhere."""
        ...

    def question(self, challenge: Challenge, seconds_left: int) -> str:
        """A request with the answers that can be typed now."""
        ...

    def newcomer(self, name: str) -> str:
        """A further phone that waits, with the answers that can be typed now."""
        ...

    def problem(self, sentence: str) -> str:
        """An answer that does not count."""
        ...

    def gone(self) -> str:
        """What was asked is not open any more."""
        ...

    def history(self, decisions: tuple[Decided, ...]) -> str:
        """Past decisions, the oldest first."""
        ...

    def countdown(self, clock: Clock, seconds_left: Callable[[], int]) -> Countdown | None:
        """The time left beside a question, if it is shown there."""
        ...
