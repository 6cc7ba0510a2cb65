"""The CIBA grant: poll, complete; only the winner answers (CIBA 10, 11)."""

from typing import assert_never

from ciba_service.flow.completion import REFUSALS, Approved, Completion, Taker
from ciba_service.flow.held_polls import HeldPolls, Seat
from ciba_service.flow.issuance import Reach
from ciba_service.flow.requested_transaction import foreign_auth_req_id, requested_transaction
from ciba_service.flow.together import outcomes
from ciba_service.flow.token_request import TokenRequest
from ciba_service.ports import (
    Clock,
    PollReply,
    PollStatus,
    SecurityEvents,
    Transaction,
    TransactionStore,
)
from ciba_service.protocol.errors import (
    AuthorizationPendingError,
    InvalidGrantError,
    Reason,
    SlowDownError,
    UnauthorizedClientError,
)
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.request.authorization_details import narrowed_details
from ciba_service.protocol.request.resource import narrowed_resources
from ciba_service.protocol.tokens.claims import TokenResponse
from ciba_service.protocol.transaction.state import State

__all__ = ["Redemption"]


class Redemption:
    """A pending poll takes one round trip, a redemption three."""

    def __init__(
        self,
        *,
        transactions: TransactionStore,
        completion: Completion,
        held: HeldPolls,
        clock: Clock,
        events: SecurityEvents,
    ) -> None:
        self._transactions = transactions
        self._completion = completion
        self._held = held
        self._clock = clock
        self._events = events

    async def answer(self, request: TokenRequest) -> TokenResponse:
        """Answer a token request of this grant.

        Raises:
            OAuth2Error: the answer, when it is not tokens.
            StoreUnavailable, SignerUnavailable: when they cannot be reached. Nothing was lost,
                unless the store redeemed at the last moment and its word of it was.
        """
        name, wait = _requested_transaction(request), request.client.polling_wait
        with self._held.seat(
            name,
            request.operation,
            request.patience,
            client_id=request.client.client_id,
            registered=wait,
        ) as seat:
            reply = await self._poll(name, request)
            if reply.status is PollStatus.FOREIGN:
                self._events.security_event(foreign_auth_req_id(request.client, name))
            # Whoever was held for the same transaction is not the last who asked any more.
            self._held.look_again(name, besides=seat)
            transaction = await self._awaited(reply, seat)
            if transaction.state is not State.APPROVED:
                raise REFUSALS[transaction.state] from Reason(f"it is {transaction.state}")
            return await self._issue(transaction, request)

    async def _awaited(self, reply: PollReply, seat: Seat | None) -> Transaction:
        if seat is None or reply.status is not PollStatus.PENDING:
            return _settled(reply)
        transaction = await self._held.settled(seat)
        if transaction is None:
            raise AuthorizationPendingError
        return transaction

    async def _poll(self, name: str, request: TokenRequest) -> PollReply:
        spent, reply = await outcomes(
            request.credentials.spend(),
            self._transactions.poll(
                name,
                client_id=request.client.client_id,
                operation=request.operation,
                now=self._clock.now_ms(),
            ),
        )
        if isinstance(spent, Exception):
            # A request with a used assertion or proof is no poll.
            await self._transactions.forget_poll(name, operation=request.operation)
            raise spent
        return _replied(reply)

    async def _issue(self, transaction: Transaction, request: TokenRequest) -> TokenResponse:
        approved = Approved.of(transaction)
        grant = approved.grant
        reach = Reach(
            scope=grant.scope,
            resources=narrowed_resources(request.form.get("resource"), grant.resources),
            details=narrowed_details(request.form.get("authorization_details"), grant.details),
        )
        taker = Taker(request.client, request.binding, request.operation)
        minted = await self._completion.mint(approved, taker, reach)
        if request.patience.has_gone:
            raise AuthorizationPendingError from Reason("the client has gone while it was held")
        await self._completion.settle(minted, taker)
        return minted.tokens.response


def _requested_transaction(request: TokenRequest) -> str:
    client = request.client
    if not client.may_use_ciba or client.delivery_mode is DeliveryMode.PUSH:
        raise UnauthorizedClientError from Reason("the client may not use the CIBA grant here")
    return requested_transaction(request.form)


def _replied(outcome: PollReply | Exception) -> PollReply:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _settled(reply: PollReply) -> Transaction:
    match reply.status:
        case PollStatus.UNKNOWN | PollStatus.FOREIGN:
            raise InvalidGrantError from Reason("unknown, or of another client")
        case PollStatus.PENDING:
            raise AuthorizationPendingError
        case PollStatus.SLOW_DOWN:
            raise SlowDownError
        case PollStatus.SETTLED:
            if reply.transaction is None:
                raise AssertionError("a settled poll carries its transaction")
            return reply.transaction
        case _:
            assert_never(reply.status)
