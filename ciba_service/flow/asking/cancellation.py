"""A client no longer wants what it asked for: its request is cancelled, whoever looks at it."""

from collections.abc import Callable, Mapping

from ciba_service.flow.asking.cancelling import Cancelling
from ciba_service.flow.asking.requested_transaction import (
    foreign_auth_req_id,
    transaction_requested_by,
)
from ciba_service.flow.clients.client_authentication import ClientAuthentication, VerifiedClient
from ciba_service.flow.clients.client_request import ClientRequest
from ciba_service.flow.tokens.found_token import spend_and_find
from ciba_service.ports import Clock, SecurityEvents, TransactionStore
from ciba_service.protocol.errors import (
    InvalidGrantError,
    OAuth2Error,
    Reason,
    RequestSettledError,
)
from ciba_service.protocol.transaction.state import State

__all__ = ["Cancellation"]


class Cancellation:
    """Two round trips: authenticate and find, swap.

    What is pending or approved and not redeemed is cancelled; the phones learn it by the due work
    that settles a prompt, and no callback follows. Cancelled once more it stays cancelled.
    """

    def __init__(
        self,
        *,
        authentication: ClientAuthentication,
        transactions: TransactionStore,
        cancelling: Cancelling,
        new_operation: Callable[[], str],
        clock: Clock,
        events: SecurityEvents,
    ) -> None:
        self._authentication = authentication
        self._transactions = transactions
        self._cancelling = cancelling
        self._new_operation = new_operation
        self._clock = clock
        self._events = events

    async def cancel(self, sent: ClientRequest) -> None:
        """Cancel the transaction of ``auth_req_id``.

        Raises:
            InvalidClientError: first of all, when the client did not prove who it is.
            UnauthorizedClientError: when it may not use CIBA.
            InvalidRequestError: when there is no ``auth_req_id``.
            InvalidGrantError: when it is unknown, or another client's.
            RequestSettledError: when it was denied, redeemed, failed or expired before.
            StoreUnavailable: when the store cannot be reached.
        """
        await self.cancel_for(await self._authentication.verify(sent), sent.form)

    async def cancel_for(self, verified: VerifiedClient, form: Mapping[str, str]) -> None:
        """The same for a client that has proved who it is; raises as ``cancel`` does."""
        operation = self._new_operation()
        spend = self._authentication.consume(verified, operation=operation)
        try:
            name = transaction_requested_by(verified.client, form)
        except OAuth2Error:
            await spend
            raise
        found = await spend_and_find(spend, self._transactions.read(name, now=self._clock.now_ms()))
        if found is not None and found.client_id != verified.client.client_id:
            self._events.security_event(
                foreign_auth_req_id(verified.client, name, peer=verified.peer)
            )
            found = None
        if found is None:
            raise InvalidGrantError from Reason("unknown, or of another client")
        state = await self._cancelling.cancel(name, found.client_id, operation=operation)
        if state is not State.CANCELLED:
            raise RequestSettledError from Reason(f"it is {state}")
