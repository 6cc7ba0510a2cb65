"""A client asks for the SCA receipt of an approval that it asked for."""

from collections.abc import Callable

from ciba_service.flow.asking.requested_transaction import (
    foreign_auth_req_id,
    transaction_requested_by,
)
from ciba_service.flow.asking.sca_receipts import ScaReceipts
from ciba_service.flow.clients.client_authentication import ClientAuthentication
from ciba_service.flow.clients.client_request import ClientRequest
from ciba_service.flow.tokens.found_token import spend_and_find
from ciba_service.ports import SecurityEvents
from ciba_service.protocol.errors import (
    InvalidGrantError,
    NotApprovedError,
    OAuth2Error,
    Reason,
)

__all__ = ["ScaReceiptReading"]


class ScaReceiptReading:
    """One round trip: the assertion is spent in that which reads."""

    def __init__(
        self,
        *,
        authentication: ClientAuthentication,
        receipts: ScaReceipts,
        new_operation: Callable[[], str],
        events: SecurityEvents,
    ) -> None:
        self._authentication = authentication
        self._receipts = receipts
        self._new_operation = new_operation
        self._events = events

    async def read(self, sent: ClientRequest) -> str:
        """The receipt of ``auth_req_id`` as a JWS.

        Raises:
            InvalidClientError: first of all, when the client did not prove who it is.
            UnauthorizedClientError: when it may not use CIBA.
            InvalidRequestError: when there is no ``auth_req_id``.
            InvalidGrantError: when it is unknown, or another client's.
            NotApprovedError: when nobody approved it, or the approval counts no more.
            StoreUnavailable, SignerUnavailable: when they cannot be reached.
        """
        operation = self._new_operation()
        verified = await self._authentication.verify(sent)
        spend = self._authentication.consume(verified, operation=operation)
        try:
            name = transaction_requested_by(verified.client, sent.form)
        except OAuth2Error:
            await spend
            raise
        found = await spend_and_find(spend, self._receipts.find(name))
        if found is not None and found.client_id != verified.client.client_id:
            self._events.security_event(
                foreign_auth_req_id(verified.client, name, peer=verified.peer)
            )
            found = None
        if found is None:
            raise InvalidGrantError from Reason("unknown, or of another client")
        if found.receipt is None:
            raise NotApprovedError from Reason(f"it is {found.state}, or has no receipt")
        return await self._receipts.sign(found.receipt)
