"""The payment that a token stands for: the one that was shown, signed and granted."""

from collections.abc import Iterable

import msgspec

from ciba_service.protocol.errors import (
    InsufficientScopeError,
    InvalidAuthorizationDetailsError,
    InvalidRequestError,
    Reason,
)
from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json_object
from ciba_service.protocol.request.authorization_details import (
    PAYMENT_INITIATION,
    AuthorizationDetail,
    PaymentInitiation,
    parse_payment,
)

__all__ = ["PaymentReceipt", "granted_payment"]


class PaymentReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of the payments resource; ``payment_id`` is the transaction id (``txn``)."""

    payment_id: str
    status: str
    executed_at: int
    payment: msgspec.Raw


def granted_payment(details: Iterable[AuthorizationDetail], body: bytes) -> AuthorizationDetail:
    """The one of a token's ``details`` to execute; a body that is not empty must state the same.

    Raises:
        InvalidRequestError: when the body states no payment at all.
        InsufficientScopeError: when none was granted, or another.
    """
    granted = next((each for each in details if each.type == PAYMENT_INITIATION), None)
    stated = _stated(body) if body else None
    if granted is None:
        raise InsufficientScopeError from Reason("no payment was granted")
    if stated is not None and stated != msgspec.json.decode(granted.json, type=PaymentInitiation):
        raise InsufficientScopeError from Reason("another payment was granted")
    return granted


def _stated(body: bytes) -> PaymentInitiation:
    try:
        return parse_payment(parse_json_object(body))
    except (InvalidAuthorizationDetailsError, MalformedEncodingError) as error:
        raise InvalidRequestError from Reason(f"the body is no payment: {error}")
