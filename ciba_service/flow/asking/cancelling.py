"""A transaction is cancelled, by its client or by an operator."""

from ciba_service.flow.due.due_work import DueWorker
from ciba_service.ports import Clock, Swap, Telemetry, TransactionStore
from ciba_service.protocol.transaction.state import Event, State

__all__ = ["Cancelling"]


class Cancelling:
    """One round trip; cancelled once more it stays cancelled."""

    def __init__(
        self,
        *,
        transactions: TransactionStore,
        worker: DueWorker,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._transactions = transactions
        self._worker = worker
        self._clock = clock
        self._telemetry = telemetry

    async def cancel(
        self, transaction_id: str, client_id: str, *, operation: str, by: str | None = None
    ) -> State | None:
        """Cancel what is pending or approved; the state it is in then, None if it is gone.

        Phones learn it by the due work that settles a prompt, and no callback follows. Raises
        ``StoreUnavailable``.
        """
        result = await self._transactions.swap(
            Swap(
                transaction_id=transaction_id,
                event=Event.CANCEL,
                operation=operation,
                now=self._clock.now_ms(),
            )
        )
        if result.won:
            self._worker.nudge(transaction_id)
            self._telemetry.event(
                "transaction_cancelled", transaction_id=transaction_id, client_id=client_id, by=by
            )
        return result.state
