"""Wrong tokens from one address: how many are answered as such.

No number of guesses finds 256 random bits; the bound keeps noise from the log and from the store.
So whoever shows a right token is let in, whatever came from the same address before: else anybody
behind the same proxy, or on the same machine, could keep operators out.
"""

from collections import OrderedDict
from typing import Final

__all__ = ["MOST_WRONG", "WINDOW_MS", "WrongTokens"]

MOST_WRONG: Final = 20
WINDOW_MS: Final = 60_000
_MOST_ADDRESSES: Final = 1_024


class WrongTokens:
    """Counts for each address, within a minute from the first; the longest silent is forgotten."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def count(self, address: str, *, now: int) -> int:
        """One more from this address; how many that are in its minute."""
        since, number = self._counts.pop(address, (now, 0))
        if now - since >= WINDOW_MS:
            since, number = now, 0
        self._counts[address] = (since, number + 1)
        if len(self._counts) > _MOST_ADDRESSES:
            self._counts.popitem(last=False)
        return number + 1
