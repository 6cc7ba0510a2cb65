"""How long a request may wait for a place, and how many may wait.

A queue is for bursts. One that has not been empty for a while makes everybody wait and serves
nobody more (CoDel, RFC 8289): whoever waits then may do so for a tenth of the time only, and no
more may wait than are served in half of that. The storm is over when nobody had to be refused for
a while.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["QueuePatience"]

_STANDING: Final = 0.1
_LEAST_ROOM: Final = 32
_ROUNDS: Final = 3
_SURE: Final = 0.5
"""Whoever waits is to be served: to refuse it later costs more than to refuse it at once."""


@dataclass(slots=True)
class QueuePatience:
    """``longest`` is in seconds; ``seconds`` and ``room`` are what holds at the moment."""

    longest: float
    most: int
    seconds: float = 0.0
    room: int = 0
    _is_short: bool = False

    def __post_init__(self) -> None:
        self.seconds, self.room = self.longest, self.most

    def observe(
        self, served: int, period: float, *, lag: float, was_empty: bool, has_refused: bool
    ) -> None:
        """In ``period`` seconds so many were served; ``was_empty`` if nobody waited for a while.

        Nobody is given up in fewer rounds of the loop than it takes to be served: ``lag`` is how
        long one takes, in seconds.
        """
        self._is_short = has_refused if was_empty and self._is_short else not was_empty
        if self._is_short:
            self.seconds = min(self.longest, max(self.longest * _STANDING, lag * _ROUNDS))
            soon = int(served / period * self.seconds * _SURE)
            self.room = min(self.most, max(_LEAST_ROOM, soon))
        else:
            self.seconds, self.room = self.longest, self.most
