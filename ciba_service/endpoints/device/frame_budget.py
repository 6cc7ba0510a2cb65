"""How many frames a phone may send: a token bucket a socket."""

from dataclasses import dataclass
from typing import Final

__all__ = ["FrameBudget"]

FRAMES_PER_SECOND: Final = 10
BURST: Final = 50


@dataclass(slots=True)
class FrameBudget:
    """Refilled by time; a phone that decides by hand never meets it."""

    tokens: float = BURST
    refilled_at: int | None = None

    def spend(self, now: int) -> bool:
        """Take one frame at ``now`` (milliseconds); False when there is none left."""
        if self.refilled_at is not None:
            refill = max(0, now - self.refilled_at) * FRAMES_PER_SECOND / 1000
            self.tokens = min(BURST, self.tokens + refill)
        self.refilled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
