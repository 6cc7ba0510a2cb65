"""Payments: each granted one is executed once."""

from enum import Enum
from typing import Protocol

__all__ = ["PaymentOutcome", "PaymentStore"]


class PaymentOutcome(Enum):
    """What became of a wish to execute a payment."""

    EXECUTED = "executed"
    EXECUTED_BEFORE = "executed before"
    GRANT_ENDED = "grant ended"


class PaymentStore(Protocol):
    """The payments that were executed, under the transaction that approved them."""

    async def execute(
        self, transaction_id: str, token_hash: str, *, operation: str, until: int
    ) -> PaymentOutcome:
        """Execute it for this operation, unless another did or the grant or its token has ended.

        In one step; remembered longer than ``until``, when the token runs out.
        """
        ...
