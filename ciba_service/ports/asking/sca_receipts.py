"""What is kept for SCA receipts."""

from dataclasses import dataclass
from typing import Protocol

from ciba_service.protocol.transaction.state import State
from ciba_service.sca.records.sca_receipt import ScaReceipt

__all__ = ["KeptScaReceipt", "ScaReceiptStore"]


@dataclass(frozen=True, slots=True)
class KeptScaReceipt:
    """A transaction as it stands, with the claims of its receipt if it was ever approved."""

    client_id: str
    state: State
    receipt: ScaReceipt | None


class ScaReceiptStore(Protocol):
    """Receipts are written with the approval (``Swap``) and go with its transaction."""

    async def read(self, transaction_id: str, *, now: int) -> KeptScaReceipt | None:
        """As it stands, or None when there is no such transaction."""
        ...
