"""Which prompts of a user are open."""

from enum import StrEnum
from typing import Protocol

from ciba_service.sca.devices import UserTag

__all__ = [
    "PromptReservation",
    "PromptStore",
]


class PromptReservation(StrEnum):
    """Whether a user can be asked."""

    RESERVED = "reserved"
    LOCKED = "locked"
    NO_DEVICE = "no_device"
    FULL = "full"


class PromptStore(Protocol):
    """Which prompts of a user are open."""

    async def reserve(
        self, tag: UserTag, transaction_id: str, *, now: int, until: int
    ) -> PromptReservation:
        """Take a slot if the user is not locked, has a phone and has a slot left, in one step."""
        ...

    async def release(self, tag: UserTag, transaction_id: str) -> None:
        """Give the slot back."""
        ...

    async def open(self, tag: UserTag, *, now: int) -> list[str]:
        """Transactions whose prompt is open."""
        ...
