"""``/operator/transactions`` and ``/operator/deliveries``."""

from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.types import Send

from ciba_service.endpoints.answers import respond, respond_nothing
from ciba_service.endpoints.body import accepts
from ciba_service.endpoints.departure import until_gone
from ciba_service.endpoints.event_stream import EVENT_STREAM
from ciba_service.endpoints.ledger_stream import stream_ledgers
from ciba_service.endpoints.operator.bodies import Nothing, read_object
from ciba_service.endpoints.operator.router import Operation, OperatorRequest
from ciba_service.flow.operators.deliveries import OperatedDeliveries
from ciba_service.flow.operators.transactions import OperatedTransactions
from ciba_service.ports import DeliveryState
from ciba_service.protocol.operators.ledgers import history_event
from ciba_service.protocol.operators.problems import OperatorRefused, Problem
from ciba_service.protocol.operators.tokens import Role

__all__ = ["DeliveriesEndpoint", "TransactionsEndpoint"]

_PAGED: Final = frozenset({"limit", "cursor"})
_TRANSACTIONS: Final = "/operator/transactions"
_TRANSACTION: Final = "/operator/transactions/{transaction_id}"
_DELIVERIES: Final = "/operator/deliveries"
_DELIVERY: Final = "/operator/deliveries/{transaction_id}"
_LISTED: Final = {state.value: state for state in (DeliveryState.DUE, DeliveryState.ABANDONED)}


class _Due(msgspec.Struct, frozen=True):
    transaction_id: str
    state: DeliveryState = DeliveryState.DUE


class TransactionsEndpoint:
    """What is pending, what happened, and an end to it."""

    def __init__(self, transactions: OperatedTransactions) -> None:
        self._transactions = transactions

    @property
    def operations(self) -> Sequence[Operation]:
        """All of it."""
        return (
            Operation("GET", _TRANSACTIONS, self.list, queries=_PAGED),
            Operation("GET", _TRANSACTION, self.show),
            Operation("GET", f"{_TRANSACTION}/events", self.events),
            Operation("GET", f"{_TRANSACTION}/receipt", self.receipt),
            Operation("POST", f"{_TRANSACTION}/cancel", self.cancel, Role.WRITE),
        )

    async def list(self, request: OperatorRequest, send: Send) -> None:
        """A page of what is pending."""
        query = request.query
        page = await self._transactions.page(query.cursor, limit=query.limit)
        await respond(send, HTTPStatus.OK, page)

    async def show(self, request: OperatorRequest, send: Send) -> None:
        """One, with its ledger."""
        await respond(send, HTTPStatus.OK, await self._transactions.show(request.name))

    async def events(self, request: OperatorRequest, send: Send) -> None:
        """The same, or as server-sent events for whoever names their type."""
        if not accepts(request.scope, EVENT_STREAM) or request.scope["method"] == "HEAD":
            await self.show(request, send)
            return
        # Else nobody would notice that its sender has gone before a body that it announced.
        await read_object(request.scope, request.receive, Nothing)
        gone = partial(until_gone, request.receive)
        async with aclosing(self._transactions.follow(request.name, gone)) as ledgers:
            await stream_ledgers(request.scope, send, ledgers, history_event)

    async def receipt(self, request: OperatorRequest, send: Send) -> None:
        """The SCA receipt of its approval."""
        await respond(send, HTTPStatus.OK, await self._transactions.receipt(request.name))

    async def cancel(self, request: OperatorRequest, send: Send) -> None:
        """Cancel it."""
        await read_object(request.scope, request.receive, Nothing)
        await self._transactions.cancel(request.acting, request.name)
        await respond_nothing(send)


class DeliveriesEndpoint:
    """Callbacks."""

    def __init__(self, deliveries: OperatedDeliveries) -> None:
        self._deliveries = deliveries

    @property
    def operations(self) -> Sequence[Operation]:
        """All of it."""
        queries = _PAGED | {"state", "client_id"}
        return (
            Operation("GET", _DELIVERIES, self.list, queries=queries),
            Operation("GET", _DELIVERY, self.show),
            Operation("POST", f"{_DELIVERY}/redeliver", self.redeliver, Role.WRITE),
        )

    async def list(self, request: OperatorRequest, send: Send) -> None:
        """A page of those in one state."""
        query = request.query
        state = _LISTED.get(query.values.get("state", DeliveryState.ABANDONED))
        if state is None:
            raise OperatorRefused(Problem.INVALID_QUERY)
        page = await self._deliveries.page(
            query.cursor,
            limit=query.limit,
            state=state,
            client_id=query.values.get("client_id"),
        )
        await respond(send, HTTPStatus.OK, page)

    async def show(self, request: OperatorRequest, send: Send) -> None:
        """One callback."""
        await respond(send, HTTPStatus.OK, await self._deliveries.show(request.name))

    async def redeliver(self, request: OperatorRequest, send: Send) -> None:
        """Make it due again."""
        await read_object(request.scope, request.receive, Nothing)
        await self._deliveries.redeliver(request.acting, request.name)
        await respond(send, HTTPStatus.OK, _Due(request.name))
