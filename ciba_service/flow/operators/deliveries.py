"""Callbacks as operators see them, and an abandoned one made once more."""

from collections.abc import Callable
from typing import Final

import msgspec

from ciba_service.flow.due.due_work import DueWorker
from ciba_service.flow.due.redelivery import Redeliveries
from ciba_service.flow.operators.authentication import ActingOperator
from ciba_service.flow.operators.journal import OperatorJournal
from ciba_service.flow.operators.pages import Page
from ciba_service.ports import (
    Clock,
    Delivery,
    DeliveryLog,
    DeliveryState,
    FoundDelivery,
    Redelivery,
)
from ciba_service.ports.due.deliveries import DeliveryPlace
from ciba_service.protocol.instants import instant
from ciba_service.protocol.operators.cursors import cursor, parse_cursor
from ciba_service.protocol.operators.problems import OperatorRefused, Problem
from ciba_service.protocol.transaction.identifiers import is_transaction_id
from ciba_service.protocol.transaction.state import State

__all__ = ["DeliveryDetails", "DeliverySummary", "OperatedDeliveries", "can_be_redelivered"]

_REFUSALS: Final = {
    Redelivery.GONE: Problem.NOT_FOUND,
    Redelivery.NOT_ABANDONED: Problem.NOT_ABANDONED,
    Redelivery.REDEEMED: Problem.REDEEMED,
    Redelivery.NOTHING_KEPT: Problem.NOTHING_KEPT,
}


class DeliverySummary(msgspec.Struct, frozen=True):
    """A callback; ``at`` is when it is due, or was abandoned."""

    transaction_id: str
    client_id: str
    state: DeliveryState
    attempts: int
    reason: str | None
    at: str | None


class DeliveryDetails(DeliverySummary, frozen=True):
    """And where its transaction stands, None when that is gone.

    ``redeliver_until`` is until when it can be made again, None when it cannot.
    """

    transaction: State | None = None
    redeliver_until: str | None = None


def can_be_redelivered(found: FoundDelivery) -> bool:
    """Whether an operator could have it made again."""
    return (
        found.is_kept
        and found.delivery.state is DeliveryState.ABANDONED
        and found.transaction is not State.REDEEMED
    )


class OperatedDeliveries:
    """Lists, shows, and makes due again."""

    def __init__(
        self,
        *,
        log: DeliveryLog,
        redeliveries: Redeliveries,
        worker: DueWorker,
        new_operation: Callable[[], str],
        journal: OperatorJournal,
        clock: Clock,
    ) -> None:
        self._log = log
        self._redeliveries = redeliveries
        self._worker = worker
        self._new_operation = new_operation
        self._journal = journal
        self._clock = clock

    async def page(
        self, after: str | None, *, limit: int, state: DeliveryState, client_id: str | None
    ) -> Page[DeliverySummary]:
        """Those that are due, the next one first, or abandoned, the last one first.

        Raises ``OperatorRefused`` for the cursor.
        """
        place = None if after is None else parse_cursor(after, DeliveryPlace)
        if state is DeliveryState.DUE:
            found = await self._log.due(client_id=client_id, limit=limit + 1, after=place)
        else:
            found = await self._log.abandoned(
                client_id=client_id, limit=limit + 1, now=self._clock.now_ms(), after=place
            )
        shown = found[:limit]
        if len(found) <= limit:
            return Page(items=tuple(map(_summary, shown)))
        last = DeliveryPlace(shown[-1].at or 0, shown[-1].transaction_id)
        return Page(items=tuple(map(_summary, shown)), next=cursor(last))

    async def show(self, transaction_id: str) -> DeliveryDetails:
        """One; raises ``OperatorRefused`` when nothing is known of it."""
        found = None
        if is_transaction_id(transaction_id):
            found = await self._log.find(transaction_id, now=self._clock.now_ms())
        if found is None:
            raise OperatorRefused(Problem.NOT_FOUND)
        until = found.kept_until if can_be_redelivered(found) else None
        return DeliveryDetails(
            **msgspec.structs.asdict(_summary(found.delivery)),
            transaction=found.transaction,
            redeliver_until=_instant(until),
        )

    async def redeliver(self, acting: ActingOperator, transaction_id: str) -> None:
        """Make it due now; raises ``OperatorRefused`` when it cannot be."""
        if not is_transaction_id(transaction_id):
            raise OperatorRefused(Problem.NOT_FOUND)
        with self._journal.writes(acting, "deliveries redeliver", transaction_id=transaction_id):
            outcome = await self._redeliveries.redeliver(
                transaction_id, operation=self._new_operation()
            )
            if outcome is not Redelivery.DUE:
                raise OperatorRefused(_REFUSALS[outcome])
            self._worker.nudge(transaction_id)


def _summary(delivery: Delivery) -> DeliverySummary:
    return DeliverySummary(
        transaction_id=delivery.transaction_id,
        client_id=delivery.client_id,
        state=delivery.state,
        attempts=delivery.attempts,
        reason=delivery.reason,
        at=_instant(delivery.at),
    )


def _instant(at: int | None) -> str | None:
    return None if at is None else instant(at)
