"""SCA receipts: found with their transaction and signed anew, the same claims each time."""

from typing import Final

from ciba_service.flow.signing import signed
from ciba_service.ports import (
    Clock,
    KeptScaReceipt,
    KeyRing,
    ScaReceiptStore,
    SignerUnavailable,
)
from ciba_service.protocol.transaction.state import State
from ciba_service.sca.records.sca_receipt import SCA_RECEIPT_TYP, ScaReceipt

__all__ = ["ScaReceipts"]

_STANDING: Final = frozenset({State.APPROVED, State.REDEEMED})


class ScaReceipts:
    """Whoever may ask: its client and operators."""

    def __init__(self, *, store: ScaReceiptStore, keys: KeyRing, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock

    async def find(self, transaction_id: str) -> KeptScaReceipt | None:
        """The claims with their transaction; an approval that counts no more has none.

        Raises:
            StoreUnavailable, UnknownRecordFormat: when they cannot be read.
        """
        kept = await self._store.read(transaction_id, now=self._clock.now_ms())
        if kept is None or kept.state in _STANDING:
            return kept
        return KeptScaReceipt(kept.client_id, kept.state, None)

    async def sign(self, receipt: ScaReceipt) -> str:
        """The receipt as a JWS; raises ``SignerUnavailable``, also where there is no key."""
        signer = self._keys.sca_receipt_signer
        if signer is None:
            raise SignerUnavailable("there is no key for SCA receipts")
        return await signed(signer, typ=SCA_RECEIPT_TYP, claims=receipt)
