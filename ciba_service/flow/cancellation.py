"""A client gives up a request that it started: nobody is asked, and nothing is collected."""

from collections.abc import Callable

from ciba_service.flow.client_authentication import ClientAuthentication
from ciba_service.flow.client_request import ClientRequest
from ciba_service.flow.due_work import DueWorker
from ciba_service.flow.found_token import spend_and_find
from ciba_service.ports import Clock, Swap, Telemetry, TransactionStore
from ciba_service.protocol.errors import (
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Error,
    Reason,
    TransactionOverError,
)
from ciba_service.protocol.transaction.identifiers import parse_auth_req_id
from ciba_service.protocol.transaction.state import Event, State
from ciba_service.sca.messages import transaction_id

__all__ = ["Cancellation"]


class Cancellation:
    """Two round trips: authenticate and find, cancel.

    What is cancelled already stays so, and the answer is the same. What was decided otherwise, or
    is over, cannot be cancelled any more.
    """

    def __init__(
        self,
        *,
        authentication: ClientAuthentication,
        transactions: TransactionStore,
        worker: DueWorker,
        new_operation: Callable[[], str],
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._authentication = authentication
        self._transactions = transactions
        self._worker = worker
        self._new_operation = new_operation
        self._clock = clock
        self._telemetry = telemetry

    async def cancel(self, sent: ClientRequest) -> None:
        """Cancel the request named by ``auth_req_id``.

        Raises:
            InvalidClientError: first of all, when the client did not prove who it is.
            InvalidRequestError: when there is no ``auth_req_id``.
            InvalidGrantError: when it is unknown or another client's.
            TransactionOverError: when it was denied, redeemed, or ended otherwise.
            StoreUnavailable: when the store cannot be reached.
        """
        verified = await self._authentication.verify(sent)
        operation = self._new_operation()
        spend = self._authentication.consume(verified, operation=operation)
        try:
            name = _requested_transaction(sent)
        except OAuth2Error:
            await spend
            raise
        transaction = await spend_and_find(
            spend, self._transactions.read(name, now=self._clock.now_ms())
        )
        if transaction is None or transaction.client_id != verified.client.client_id:
            raise InvalidGrantError from Reason("unknown, or another client's")
        result = await self._transactions.swap(
            Swap(
                transaction_id=transaction.transaction_id,
                event=Event.CANCEL,
                operation=operation,
                now=self._clock.now_ms(),
            )
        )
        if result.won:
            self._worker.nudge(transaction.transaction_id)
            self._telemetry.event(
                "transaction_cancelled",
                transaction_id=transaction.transaction_id,
                client_id=transaction.client_id,
            )
        elif result.state is not State.CANCELLED:
            raise TransactionOverError from Reason(f"it is {result.state}")


def _requested_transaction(sent: ClientRequest) -> str:
    presented = sent.form.get("auth_req_id")
    if presented is None:
        raise InvalidRequestError from Reason("auth_req_id is missing")
    auth_req_id = parse_auth_req_id(presented)
    if auth_req_id is None:
        raise InvalidGrantError from Reason("auth_req_id is none of ours")
    return transaction_id(auth_req_id.value)
