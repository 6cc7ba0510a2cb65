"""Payments in Redis: for each that was executed a key beside its grant, holding the operation."""

from typing import Final

from ciba_service.ports import PaymentOutcome, UnknownRecordFormat
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import access_token_key, grant_key, payment_key
from ciba_service.stores.operations import OPERATION_MEMORY_MS, Operations
from ciba_service.stores.tokens.grants import GRANT_FORMAT

__all__ = ["RedisPayments"]

_EXECUTE: Final = Script.load("execute_payment", durable=True)
_OUTCOMES: Final = {
    0: PaymentOutcome.EXECUTED_BEFORE,
    1: PaymentOutcome.EXECUTED,
    2: PaymentOutcome.GRANT_ENDED,
}


class RedisPayments:
    """``ports.PaymentStore`` on Redis."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def execute(
        self, transaction_id: str, token_hash: str, *, operation: str, until: int
    ) -> PaymentOutcome:
        """Write the operation down; a revocation comes before or after, never in between."""
        outcome = await self._operations.evaluate(
            _EXECUTE,
            [
                grant_key(transaction_id),
                access_token_key(transaction_id, token_hash),
                payment_key(transaction_id),
            ],
            [GRANT_FORMAT, operation, until + OPERATION_MEMORY_MS],
        )
        if outcome < 0:
            raise UnknownRecordFormat("a grant has another format")
        return _OUTCOMES[outcome]
