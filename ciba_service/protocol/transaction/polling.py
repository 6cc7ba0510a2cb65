"""How often a pending transaction may be asked about (CIBA 7.3, 10.1, 11).

A small machine beside the transaction's own. The first poll is free. The interval runs from one
poll to the next; a poll early by no more than a second, or a tenth of the interval, is on time.
One that is earlier gets ``slow_down`` and lengthens the interval by five seconds for good. Clocks
of hosts differ, and may be set back: a poll *before* the last one is as far from it as the two
times are apart. The store runs the same rule as a script, and a test proves the two equal.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["SLOW_DOWN_STEP_MS", "TOLERANCE_DIVISOR", "TOLERANCE_MS", "Throttle", "poll"]

SLOW_DOWN_STEP_MS: Final = 5_000
TOLERANCE_MS: Final = 1_000
TOLERANCE_DIVISOR: Final = 10


@dataclass(frozen=True, slots=True)
class Throttle:
    """The interval in force and when the last poll came; ``last_poll_at`` 0 means never."""

    interval_ms: int
    last_poll_at: int = 0


def poll(throttle: Throttle, now: int) -> tuple[bool, Throttle]:
    """Whether a poll at ``now`` is too early, and the throttle after it."""
    tolerance = max(TOLERANCE_MS, throttle.interval_ms // TOLERANCE_DIVISOR)
    passed = abs(now - throttle.last_poll_at)
    if throttle.last_poll_at == 0 or passed >= throttle.interval_ms - tolerance:
        return False, Throttle(throttle.interval_ms, now)
    return True, Throttle(throttle.interval_ms + SLOW_DOWN_STEP_MS, now)
