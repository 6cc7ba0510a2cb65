"""Chance that spreads retries, so that what failed together is not tried again together."""

from typing import Final

from ciba_service.ports import Randomness

__all__ = ["new_jitter"]

_BYTES: Final = 4


def new_jitter(random: Randomness) -> float:
    """From 0 on and below 1."""
    return int.from_bytes(random(_BYTES)) / float(1 << 8 * _BYTES)
