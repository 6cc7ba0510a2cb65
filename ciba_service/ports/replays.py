"""Identifiers that may be used once."""

from typing import Protocol

__all__ = [
    "ReplayStore",
]


class ReplayStore(Protocol):
    """Identifiers that may be used once."""

    async def reserve(
        self, kind: str, owner: str, identifier: str, *, operation: str, until: int
    ) -> bool:
        """Claim for this operation; False when another operation did before."""
        ...
