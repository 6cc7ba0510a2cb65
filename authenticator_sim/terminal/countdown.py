"""The time left, beside a question and as long as it stands."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from authenticator_sim.ports import Clock
from authenticator_sim.terminal.wording.view import time_left

__all__ = ["Countdown"]

_SECOND: Final = 1


@dataclass(frozen=True, slots=True)
class Countdown:
    """Knows the seconds left at any moment."""

    clock: Clock
    seconds_left: Callable[[], int]

    def beside(self, question: str) -> str:
        """Put the time left before a question."""
        return f"({time_left(self.seconds_left())}) {question}"

    async def tick(self) -> None:
        """Wait for a second."""
        await self.clock.sleep(_SECOND)
