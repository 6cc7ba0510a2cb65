"""What became of callbacks, as operators see it: those that are due, and those given up."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Protocol

import msgspec

from ciba_service.protocol.transaction.callbacks import AbandonReason
from ciba_service.protocol.transaction.state import State

__all__ = [
    "Delivery",
    "DeliveryLog",
    "DeliveryPlace",
    "DeliveryState",
    "FoundDelivery",
    "Redelivery",
]


class DeliveryState(StrEnum):
    """How a callback stands; NEEDLESS: its client collected, or cancelled, before another try."""

    DUE = "due"
    DELIVERED = "delivered"
    ABANDONED = "abandoned"
    NEEDLESS = "needless"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A callback without anything that it carries.

    ``at`` is when the next attempt is due, or the one under way is given up, or when it was
    abandoned; a callback that is over has none.
    """

    transaction_id: str
    client_id: str
    state: DeliveryState
    attempts: int
    at: int | None
    reason: AbandonReason | None = None


@dataclass(frozen=True, slots=True)
class FoundDelivery:
    """A callback, and where its transaction stands; None when its record is gone.

    ``is_kept``: what it carries is still there, until ``kept_until``.
    """

    delivery: Delivery
    transaction: State | None = None
    is_kept: bool = False
    kept_until: int | None = None


class DeliveryPlace(msgspec.Struct, frozen=True):
    """Where a callback stands among the others: by its time, then by its transaction."""

    at: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    transaction_id: Annotated[str, msgspec.Meta(max_length=64)]


class Redelivery(StrEnum):
    """What came of the wish to make an abandoned callback due again."""

    DUE = "due"
    GONE = "gone"  # there is no such transaction, or not any more
    NOT_ABANDONED = "not_abandoned"
    REDEEMED = "redeemed"  # there is nothing more to tell
    NOTHING_KEPT = "nothing_kept"  # the client has cancelled


class DeliveryLog(Protocol):
    """Callbacks of all partitions. What is abandoned is listed for some days, and bounded."""

    async def due(
        self, *, client_id: str | None, limit: int, after: DeliveryPlace | None = None
    ) -> list[Delivery]:
        """At most ``limit`` that are due, the next one first; of one client where it is given.

        With ``after`` those that follow this place.
        """
        ...

    async def abandoned(
        self, *, client_id: str | None, limit: int, now: int, after: DeliveryPlace | None = None
    ) -> list[Delivery]:
        """At most ``limit`` that were abandoned, the last one first, likewise."""
        ...

    async def find(self, transaction_id: str, *, now: int) -> FoundDelivery | None:
        """One callback, or None when nothing is known of it."""
        ...

    async def redeliver(self, transaction_id: str, *, operation: str, now: int) -> Redelivery:
        """Make an abandoned callback due at ``now`` with all its attempts, or change nothing."""
        ...
