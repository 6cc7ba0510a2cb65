"""Receipts: what the phone says of a challenge that has come and is shown."""

import msgspec

from ciba_service.sca.messages import Received, Shown, TransactionId

__all__ = ["received", "shown"]


def received(transaction_id: str) -> tuple[Received, ...]:
    """Say that it has come; nothing where its name has a shape that no receipt can hold."""
    return (Received(transaction_id),) if _has_receipts(transaction_id) else ()


def shown(transaction_id: str) -> tuple[Shown, ...]:
    """Say that it is in front of the user, likewise."""
    return (Shown(transaction_id),) if _has_receipts(transaction_id) else ()


def _has_receipts(transaction_id: str) -> bool:
    try:
        msgspec.convert(transaction_id, TransactionId)
    except msgspec.ValidationError:
        return False
    return True
