"""What came of an attempt to wake a phone."""

from typing import Final

from ciba_service.ports import FailureReason, OutboundFailure, OutboundResponse
from ciba_service.protocol.transaction.callbacks import Answer, Silence

__all__ = ["outcome_of"]

_NEVER_ASKED: Final = frozenset({FailureReason.REFUSED_URL, FailureReason.REFUSED_ADDRESS})


def outcome_of(result: OutboundResponse | OutboundFailure) -> Answer | Silence:
    """An answer, or none; an address that is never asked is not tried again."""
    if isinstance(result, OutboundResponse):
        return Answer(result.status, result.retry_after)
    return Silence(may_pass=result.reason not in _NEVER_ASKED)
