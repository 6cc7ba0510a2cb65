"""Work that is to be done later, by whoever gets there first."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

__all__ = [
    "LEASE_MS",
    "DueKind",
    "DueStore",
    "DueWork",
]


LEASE_MS: Final = 10_000
"""How long a claim keeps others away."""


class DueKind(StrEnum):
    """Work that a transaction leaves behind."""

    ANNOUNCE = "announce"
    EXPIRE = "expire"
    SETTLE = "settle"
    CALLBACK = "callback"
    WAKE = "wake"


@dataclass(frozen=True, slots=True)
class DueWork:
    """One piece of due work under a lease; ``lease_until`` names this claim."""

    kind: DueKind
    transaction_id: str
    lease_until: int


class DueStore(Protocol):
    """Due work by partition."""

    async def add(self, kind: DueKind, transaction_id: str, *, at: int) -> None:
        """Make work due, unless it is due already."""
        ...

    async def claim(self, partition: int, *, now: int, limit: int) -> list[DueWork]:
        """Lease what is due so that nobody else gets it before the lease ends."""
        ...

    async def extend(self, work: DueWork, *, until: int) -> bool:
        """Hold the lease until then; False when somebody else has it by now."""
        ...

    async def finish(self, work: DueWork) -> None:
        """Forget it, unless another process holds the lease by now."""
        ...

    async def partitions_with_work(self, *, now: int) -> list[int]:
        """Where something is due."""
        ...
