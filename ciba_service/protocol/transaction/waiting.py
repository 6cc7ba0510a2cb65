"""How long a token request may be held (CIBA 10.1: no answer later than after 30 seconds)."""

from typing import Final

__all__ = ["LONGEST_WAIT", "applied_wait", "holding_ms"]

LONGEST_WAIT: Final = 25
_MARGIN_MS: Final = 500


def applied_wait(preferred: int | None, *, registered: int) -> int:
    """The seconds that count: what the request prefers, else what its client registered."""
    return min(registered if preferred is None else preferred, LONGEST_WAIT)


def holding_ms(wait: int) -> int:
    """How long to hold, in milliseconds: the answer must arrive before the wait is over."""
    return max(0, wait * 1000 - _MARGIN_MS)
