"""How hard a value would be to guess, as far as its characters tell (CIBA 7.3)."""

import math
from collections import Counter
from typing import Final

from ciba_client.conformance.check import Suspicion, Violation

__all__ = ["expect_hard_to_guess", "shannon_bits"]

_SHORTEST: Final = 16


def shannon_bits(text: str) -> float:
    """Shannon entropy of the characters, times their number."""
    length = len(text)
    counts = Counter(text).values()
    return -sum(count * math.log2(count / length) for count in counts)


def expect_hard_to_guess(name: str, text: str, *, least: float, better: float = 0) -> None:
    """Long and various enough; below ``better`` bits is a ``Suspicion``."""
    bits = shannon_bits(text)
    seen = f"it has {len(text)} characters and some {bits:.0f} bits"
    if len(text) < _SHORTEST or bits <= least:
        raise Violation(f"{name} of more than {least:.0f} bits of entropy", seen)
    if bits <= better:
        raise Suspicion(f"{name} of more than {better:.0f} bits of entropy", seen)
