"""A client reads what happened to what it asked for: what there is, or also what is to come."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from ciba_service.flow.asking.ledger_following import LedgerFollowing
from ciba_service.flow.asking.requested_transaction import (
    foreign_auth_req_id,
    transaction_requested_by,
)
from ciba_service.flow.clients.client_authentication import ClientAuthentication, VerifiedClient
from ciba_service.flow.clients.client_request import ClientRequest
from ciba_service.flow.tokens.found_token import spend_and_find
from ciba_service.ports import Clock, LedgerStore, SecurityEvents
from ciba_service.protocol.errors import (
    InvalidGrantError,
    OAuth2Error,
    Reason,
    TemporarilyUnavailableError,
)
from ciba_service.protocol.transaction.ledger import Ledger

__all__ = ["LedgerReading"]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which ledger is asked for, by whom, and under which operation its assertion is spent."""

    name: str
    verified: VerifiedClient
    operation: str


class LedgerReading:
    """One round trip: the assertion is spent in that which reads."""

    def __init__(
        self,
        *,
        authentication: ClientAuthentication,
        ledgers: LedgerStore,
        following: LedgerFollowing,
        new_operation: Callable[[], str],
        clock: Clock,
        events: SecurityEvents,
    ) -> None:
        self._authentication = authentication
        self._ledgers = ledgers
        self._following = following
        self._new_operation = new_operation
        self._clock = clock
        self._events = events

    async def read(self, sent: ClientRequest) -> Ledger:
        """The ledger of ``auth_req_id`` as it stands.

        Raises:
            InvalidClientError: first of all, when the client did not prove who it is.
            UnauthorizedClientError: when it may not use CIBA.
            InvalidRequestError: when there is no ``auth_req_id``.
            InvalidGrantError: when it is unknown, or another client's.
            StoreUnavailable: when the store cannot be reached.
        """
        return await self._found(await self._asked(sent))

    async def follow(
        self, sent: ClientRequest, until_gone: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[Ledger, None]:
        """The ledger as it stands, and again whenever it may have changed, until it is complete.

        It ends after 25 seconds, and when ``until_gone`` does; whoever wants more asks again.

        Raises:
            TemporarilyUnavailableError: when too many streams are open; else as ``read`` does, and
                nothing once there was a ledger.
        """
        asked = await self._asked(sent)
        client_id = asked.verified.client.client_id
        if not self._following.has_room(client_id):
            await self._found(asked)
            raise TemporarilyUnavailableError from Reason("too many streams are open")
        looks = self._following.follow(
            asked.name, partial(self._found, asked), until_gone, client_id=client_id
        )
        async with aclosing(looks) as ledgers:
            async for ledger in ledgers:
                yield ledger

    async def _asked(self, sent: ClientRequest) -> _Asked:
        operation = self._new_operation()
        verified = await self._authentication.verify(sent)
        try:
            name = transaction_requested_by(verified.client, sent.form)
        except OAuth2Error:
            await self._authentication.consume(verified, operation=operation)
            raise
        return _Asked(name, verified, operation)

    async def _spend(self, asked: _Asked) -> None:
        await self._authentication.consume(asked.verified, operation=asked.operation)

    async def _found(self, asked: _Asked) -> Ledger:
        found = await spend_and_find(
            self._spend(asked), self._ledgers.read(asked.name, now=self._clock.now_ms())
        )
        client = asked.verified.client
        if found is not None and found.client_id != client.client_id:
            self._events.security_event(
                foreign_auth_req_id(client, asked.name, peer=asked.verified.peer)
            )
            found = None
        if found is None:
            raise InvalidGrantError from Reason("unknown, or of another client")
        return found
