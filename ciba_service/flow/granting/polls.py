"""A client asks what became of its transaction, and may wait for it (CIBA 10.1, 11)."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar, assert_never

import msgspec

from ciba_service.flow.asking.requested_transaction import foreign_auth_req_id
from ciba_service.flow.granting.held_polls import HeldPolls, Patience, Seat
from ciba_service.flow.together import outcomes
from ciba_service.ports import (
    Clock,
    PollReply,
    PollStatus,
    SecurityEvents,
    Transaction,
    TransactionStore,
)
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import (
    AuthorizationPendingError,
    InvalidGrantError,
    Reason,
    SlowDownError,
)

__all__ = ["Poll", "Polls"]

_T = TypeVar("_T")


class Poll(msgspec.Struct, frozen=True):
    """An authenticated client's question about the transaction ``name``.

    ``spend`` has the steps that claim what the request may use only once, if there is any; ``peer``
    is the address of the client's connection, if known.
    """

    name: str
    client: Client
    operation: str
    patience: Patience
    spend: Callable[[], Sequence[Coroutine[Any, Any, None]]] | None = None
    peer: str | None = None


class Polls:
    """One round trip for a poll, and a second look for one that is held."""

    def __init__(
        self,
        *,
        transactions: TransactionStore,
        held: HeldPolls,
        clock: Clock,
        events: SecurityEvents,
    ) -> None:
        self._transactions = transactions
        self._held = held
        self._clock = clock
        self._events = events

    async def settled(self, poll: Poll, then: Callable[[Transaction], Awaitable[_T]]) -> _T:
        """What ``then`` makes of the transaction, which is not pending any more.

        Raises:
            OAuth2Error: the answer, while it is pending or when it is none of the client's.
            StoreUnavailable: when the store cannot be reached.
        """
        client = poll.client
        seat = self._held.take_seat(
            poll.name,
            poll.operation,
            poll.patience,
            client_id=client.client_id,
            registered=client.polling_wait,
        )
        if seat is None:
            return await then(_settled(await self._asked(poll, None)))
        try:
            return await then(await self._awaited(await self._asked(poll, seat), seat))
        finally:
            self._held.leave(seat)

    async def _asked(self, poll: Poll, seat: Seat | None) -> PollReply:
        reply = await self._reply(poll)
        if reply.status is PollStatus.FOREIGN:
            self._events.security_event(foreign_auth_req_id(poll.client, poll.name, peer=poll.peer))
        # Whoever was held for the same transaction is not the last who asked any more.
        self._held.look_again(poll.name, besides=seat)
        return reply

    async def _awaited(self, reply: PollReply, seat: Seat) -> Transaction:
        if reply.status is not PollStatus.PENDING:
            return _settled(reply)
        transaction = await self._held.settled(seat)
        if transaction is None:
            raise AuthorizationPendingError
        return transaction

    async def _reply(self, poll: Poll) -> PollReply:
        asking = self._transactions.poll(
            poll.name,
            client_id=poll.client.client_id,
            operation=poll.operation,
            now=self._clock.now_ms(),
        )
        if poll.spend is None:
            return await asking
        *spent, reply = await outcomes(*poll.spend(), asking)
        for outcome in spent:
            if isinstance(outcome, Exception):
                # A request with a used assertion or proof is no poll.
                await self._transactions.forget_poll(poll.name, operation=poll.operation)
                raise outcome
        return _replied(reply)


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
            raise SlowDownError(reply.interval)
        case PollStatus.SETTLED:
            if reply.transaction is None:
                raise AssertionError("a settled poll carries its transaction")
            return reply.transaction
        case _:
            assert_never(reply.status)
