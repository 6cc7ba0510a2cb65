"""How often something may fail for one address: a token bucket each.

A failure takes a token, time gives them back. Whoever has none left is refused before anything is
looked at, so that guessing costs whoever guesses more than it costs the service.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

__all__ = ["FailureBuckets"]

_MOST_ADDRESSES: Final = 4_096


@dataclass(slots=True)
class FailureBuckets:
    """``burst`` failures at once, and as many again within ``window`` seconds; 0 counts none.

    The address that has been without a failure for longest is forgotten when there are too many.
    """

    burst: int
    window: float
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def failed(self, address: str, *, now: float) -> None:
        """Something failed for this address; ``now`` is in seconds from anywhere."""
        if not self.burst:
            return
        left = self._left(address, now)
        self._buckets.pop(address, None)
        self._buckets[address] = (max(0.0, left - 1), now)
        if len(self._buckets) > _MOST_ADDRESSES:
            self._buckets.popitem(last=False)

    def wait(self, address: str, *, now: float) -> int:
        """Whole seconds until something may be tried from there again; 0 is now."""
        if address not in self._buckets:
            return 0
        missing = 1 - self._left(address, now)
        return math.ceil(missing * self.window / self.burst) if missing > 0 else 0

    def _left(self, address: str, now: float) -> float:
        left, since = self._buckets.get(address, (float(self.burst), now))
        return min(float(self.burst), left + max(0.0, now - since) * self.burst / self.window)
