"""How many requests are worked on at once: as many as the event loop can go round with in time.

One process has one thread. What makes everybody wait is neither Redis nor the number of
connections but how long the loop takes to go round once; so that is measured, and the limit
follows it. It falls in proportion, and rises by an eighth while the loop is in time and all places
are taken: when Redis is slow many may wait for it, when the processor is busy few are enough.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["AdaptiveLimit"]

_FIRST: Final = 128
_LEAST: Final = 32
"""Fewer would leave the processor idle while the store answers."""


@dataclass(slots=True)
class AdaptiveLimit:
    """``value`` is the limit, ``most`` its bound; ``target`` is how late the loop may be, in s."""

    most: int
    target: float = 0.02
    value: int = _FIRST

    def __post_init__(self) -> None:
        self.value = min(self.value, self.most)

    def observe(self, lag: float, *, was_full: bool) -> None:
        """The loop was late by ``lag`` seconds; ``was_full`` says whether the limit was reached."""
        if lag > self.target:
            fallen = int(self.value * max(0.5, self.target / lag))
            self.value = max(min(_LEAST, self.most), fallen)
        elif was_full:
            self.value = min(self.most, self.value + max(1, self.value // 8))
