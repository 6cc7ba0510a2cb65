"""How long a request may wait for a place, and how many may wait.

A queue is for bursts. One that has not been empty for a while makes everybody wait and serves
nobody more (CoDel, RFC 8289): whoever waits then may do so for a tenth of the time only, and no
more may wait than are served meanwhile.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["QueuePatience"]

_STANDING: Final = 0.1
_LEAST_ROOM: Final = 8


@dataclass(slots=True)
class QueuePatience:
    """``longest`` is in seconds; ``seconds`` and ``room`` are what holds at the moment."""

    longest: float
    most: int
    seconds: float = 0.0
    room: int = 0

    def __post_init__(self) -> None:
        self.seconds, self.room = self.longest, self.most

    def observe(self, served: int, period: float, *, was_empty: bool) -> None:
        """In ``period`` seconds so many were served; ``was_empty`` if nobody waited for a while."""
        if was_empty:
            self.seconds, self.room = self.longest, self.most
            return
        self.seconds = self.longest * _STANDING
        self.room = min(self.most, max(_LEAST_ROOM, int(served / period * self.seconds)))
