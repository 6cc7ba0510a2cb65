"""How long to wait before trying again: doubling, capped, with random jitter."""

from typing import Final

from authenticator_sim.ports import RandomBytes

__all__ = ["Backoff"]

_FIRST_MS: Final = 500
_LONGEST_MS: Final = 30_000
_MAX_DOUBLINGS: Final = 16


class Backoff:
    """Delays from 250 to 500 ms, doubling with each attempt up to 15 to 30 s."""

    def __init__(self, random_bytes: RandomBytes) -> None:
        """Begin with the shortest delay."""
        self._random_bytes = random_bytes
        self._attempt = 0

    def reset(self) -> None:
        """Begin again with the shortest delay."""
        self._attempt = 0

    def next_delay_ms(self) -> int:
        """Give the next delay: between half of the doubled time and the whole of it."""
        ceiling = min(_LONGEST_MS, _FIRST_MS << min(self._attempt, _MAX_DOUBLINGS))
        self._attempt += 1
        draw = int.from_bytes(self._random_bytes(4), "big")
        return ceiling // 2 + draw * (ceiling // 2) // 0xFFFFFFFF
