"""The ledgers of transactions."""

from typing import Protocol

from ciba_service.protocol.transaction.ledger import Ledger, LedgerKind
from ciba_service.sca.phones.devices import UserTag

__all__ = ["LedgerStore"]


class LedgerStore(Protocol):
    """What happened to transactions, kept as long as they are.

    What is decided, redeemed, cancelled or called back is written with it, in the same atomic step
    (``TransactionStore``, ``CallbackStore``).
    """

    async def read(self, transaction_id: str, *, now: int) -> Ledger | None:
        """As it stands, in one atomic step; None when there is no such transaction."""
        ...

    async def announced(self, transaction_id: str, *, now: int) -> UserTag | None:
        """Write down, once, that the phones are told of what is pending; whose phones they are.

        None when it is not pending any more.
        """
        ...

    async def receipt(
        self, transaction_id: str, tag: UserTag, device_id: str, kind: LedgerKind, *, now: int
    ) -> None:
        """Write down, once a phone, what a phone of the user says of a pending challenge.

        Nothing is written of what is decided, of another user's, or beyond a bound.
        """
        ...
