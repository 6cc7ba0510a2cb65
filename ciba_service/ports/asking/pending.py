"""Which transactions are pending, as operators see them."""

from collections.abc import Sequence
from typing import Annotated, Protocol

import msgspec

__all__ = ["PendingPlace", "PendingTransactions"]


class PendingPlace(msgspec.Struct, frozen=True):
    """A transaction that waits, and when it expires; also a place to go on from."""

    expires_at: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    transaction_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{22}\Z")]


class PendingTransactions(Protocol):
    """Transactions that nobody has decided, of all partitions."""

    async def after(self, place: PendingPlace | None, *, limit: int) -> Sequence[PendingPlace]:
        """At most ``limit`` after a place, partition by partition; raises ``StoreUnavailable``.

        One that was just decided, or has expired, may be among them.
        """
        ...
