"""How many frames a phone may send: a token bucket a socket."""

from dataclasses import dataclass, field
from typing import Final

__all__ = ["FrameBudget"]

FRAMES_PER_SECOND: Final = 10
BURST: Final = 50


@dataclass(slots=True)
class FrameBudget:
    """Refilled by time; a phone that decides by hand never meets it."""

    burst: float = BURST
    per_second: float = FRAMES_PER_SECOND
    tokens: float = field(init=False)
    refilled_at: int | None = None

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def spend(self, now: int) -> bool:
        """Take one frame at ``now`` (milliseconds); False when there is none left."""
        if self.refilled_at is not None:
            refill = max(0, now - self.refilled_at) * self.per_second / 1000
            self.tokens = min(self.burst, self.tokens + refill)
        self.refilled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
