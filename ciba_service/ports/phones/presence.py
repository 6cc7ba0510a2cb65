"""Where processes tell each other how many phones are connected to them."""

from typing import Protocol

__all__ = ["PresenceStore"]


class PresenceStore(Protocol):
    """A number for each process, while it goes on saying so."""

    async def report(self, process: str, phones: int, *, now: int, until: int) -> int:
        """Say how many this one has, until then; returns the sum of all that say so now.

        Raises:
            StoreUnavailable: nothing is known of the others.
        """
        ...
