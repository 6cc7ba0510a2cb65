"""Which prompts of a user are open."""

from enum import StrEnum
from typing import Protocol

from ciba_service.sca.phones.devices import UserTag

__all__ = [
    "PromptReservation",
    "PromptStore",
]


class PromptReservation(StrEnum):
    """Whether a user can be asked by a client.

    BLOCKED and PAUSED are the user's own word about this client; UNANSWERED: too many prompts since
    the user last approved one (sca/prompting.py).
    """

    RESERVED = "reserved"
    LOCKED = "locked"
    NO_DEVICE = "no_device"
    BLOCKED = "blocked"
    PAUSED = "paused"
    FULL = "full"
    UNANSWERED = "unanswered"


class PromptStore(Protocol):
    """Which prompts of a user are open."""

    async def reserve(
        self, tag: UserTag, client_id: str, transaction_id: str, *, now: int, until: int
    ) -> PromptReservation:
        """Take a slot and count the prompt, if nothing speaks against it, in one step."""
        ...

    async def take_back(self, tag: UserTag, client_id: str, transaction_id: str) -> None:
        """Give the slot back and count the prompt no longer: no phone was told of it."""
        ...

    async def release(self, tag: UserTag, transaction_id: str) -> None:
        """Give the slot back."""
        ...

    async def open(self, tag: UserTag, *, now: int) -> list[str]:
        """Transactions whose prompt is open."""
        ...
