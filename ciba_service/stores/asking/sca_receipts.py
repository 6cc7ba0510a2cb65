"""Claims of SCA receipts in Redis: a sealed field of the record of their transaction.

The swap of the approval writes it; unlike request and decision it stays when tokens are issued.
"""

import msgspec

from ciba_service.ports import KeptScaReceipt, UnknownRecordFormat
from ciba_service.protocol.transaction.state import Deadlines, State, effective_state
from ciba_service.sca.records.sca_receipt import ScaReceipt
from ciba_service.stores.asking.transactions import RECORD_FORMAT, SCA_RECEIPT_FIELD
from ciba_service.stores.keys import transaction_key
from ciba_service.stores.operations import Operations
from ciba_service.stores.sealing import Sealer

__all__ = ["RedisScaReceipts"]


class RedisScaReceipts:
    """``ports.ScaReceiptStore`` on Redis."""

    __slots__ = ("_operations", "_sealer")

    def __init__(self, operations: Operations, sealer: Sealer) -> None:
        self._operations = operations
        self._sealer = sealer

    async def read(self, transaction_id: str, *, now: int) -> KeptScaReceipt | None:
        """One command."""
        key = transaction_key(transaction_id)
        version, *fields = await self._operations.call(
            "HMGET", key, "v", "c", "s", "e", "u", SCA_RECEIPT_FIELD
        )
        if version is None:
            return None
        if version != RECORD_FORMAT.encode():
            raise UnknownRecordFormat("a transaction has another format")
        client, state, expires_at, redeem_until, sealed = fields
        deadlines = Deadlines(int(expires_at), int(redeem_until or 0))
        return KeptScaReceipt(
            client_id=client.decode(),
            state=effective_state(State(state.decode()), deadlines, now),
            receipt=self._open(key, client.decode(), sealed),
        )

    def _open(self, key: str, client_id: str, sealed: bytes | None) -> ScaReceipt | None:
        if not sealed:
            return None
        plaintext = self._sealer.open(sealed, key=key, name="sca_receipt", owner=client_id)
        return msgspec.json.decode(plaintext, type=ScaReceipt)
