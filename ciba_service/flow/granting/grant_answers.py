"""What somebody else's token endpoint asks: the grant, or why there is none (docs/grant-api.md).

It has authenticated its client; it is believed about that, and about nothing else.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ciba_service.flow.asking.cancelling import Cancelling
from ciba_service.flow.asking.requested_transaction import (
    foreign_auth_req_id,
    transaction_requested_by,
)
from ciba_service.flow.granting.grant_redemption import GrantRedemption, GrantRequest
from ciba_service.flow.granting.held_polls import Patience
from ciba_service.ports import ClientRegistry, Clock, SecurityEvents, TransactionStore
from ciba_service.ports.request_notes import note_client
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import (
    AccessDeniedError,
    AuthorizationPendingError,
    ExpiredTokenError,
    InvalidGrantError,
    OAuth2Error,
    Reason,
    SlowDownError,
    UnauthorizedClientError,
)
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.token_endpoints import TokenEndpointParty
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.transaction.state import State

__all__ = ["GrantAnswers", "GrantQuestion", "GrantStatus", "NoGrant"]


class GrantStatus(StrEnum):
    """What became of the request, as far as its client may know."""

    GRANTED = "granted"
    PENDING = "pending"
    SLOW_DOWN = "slow_down"
    DENIED = "denied"
    EXPIRED = "expired"
    INVALID = "invalid"
    UNAUTHORIZED = "unauthorized"
    CANCELLED = "cancelled"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class GrantQuestion:
    """Which request of which client, asked by whom; ``key`` is the same across repetitions."""

    party: TokenEndpointParty
    client_id: str
    auth_req_id: str = field(repr=False)
    key: str = field(repr=False)

    @property
    def operation(self) -> str:
        """The same for the same key of the same party about the same request, and no other."""
        named = f"ciba-grant\0{self.party.name}\0{self.key}\0{self.auth_req_id}"
        return base64url(hashlib.sha256(named.encode("utf-8", "surrogatepass")).digest())

    @property
    def form(self) -> Mapping[str, str]:
        """As the client has sent it."""
        return {"auth_req_id": self.auth_req_id}


@dataclass(frozen=True, slots=True)
class NoGrant:
    """Why there is none; ``error`` is for the client (CIBA 11), its cause for the log.

    ``interval`` is in seconds, and there when polls have to be further apart.
    """

    status: GrantStatus
    error: OAuth2Error
    interval: int | None = None


_STATUSES: Final[Mapping[type[OAuth2Error], GrantStatus]] = {
    AuthorizationPendingError: GrantStatus.PENDING,
    SlowDownError: GrantStatus.SLOW_DOWN,
    AccessDeniedError: GrantStatus.DENIED,
    ExpiredTokenError: GrantStatus.EXPIRED,
    InvalidGrantError: GrantStatus.INVALID,
    UnauthorizedClientError: GrantStatus.UNAUTHORIZED,
}


class GrantAnswers:
    """The same polls, states and gate as at our own token endpoint."""

    def __init__(
        self,
        *,
        redemption: GrantRedemption,
        clients: ClientRegistry,
        transactions: TransactionStore,
        cancelling: Cancelling,
        new_operation: Callable[[], str],
        clock: Clock,
        events: SecurityEvents,
    ) -> None:
        self._redemption = redemption
        self._clients = clients
        self._transactions = transactions
        self._cancelling = cancelling
        self._new_operation = new_operation
        self._clock = clock
        self._events = events

    async def redeem(self, question: GrantQuestion, patience: Patience) -> Grant | NoGrant:
        """The grant, once for each ``key``: who lost the answer asks again and gets the same.

        Raises ``StoreUnavailable``; nothing was lost then, and the same question may be repeated.
        """
        try:
            client = await self._client(question)
            return await self._redemption.redeem(
                GrantRequest(question.form, client, question.operation, patience, is_one_poll=True)
            )
        except tuple(_STATUSES) as error:
            interval = error.interval if isinstance(error, SlowDownError) else None
            return NoGrant(_STATUSES[type(error)], error, interval)

    async def cancel(self, question: GrantQuestion) -> GrantStatus | NoGrant:
        """Cancel what is pending or approved: CANCELLED, also if it was before; else SETTLED.

        Raises ``StoreUnavailable``.
        """
        try:
            client = await self._client(question)
            name = transaction_requested_by(client, question.form)
            found = await self._transactions.outline(name, now=self._clock.now_ms())
            if found is None or found.client_id != client.client_id:
                if found is not None:
                    self._events.security_event(foreign_auth_req_id(client, name, peer=None))
                raise InvalidGrantError from Reason("unknown, or of another client")
        except tuple(_STATUSES) as error:
            return NoGrant(_STATUSES[type(error)], error)
        state = await self._cancelling.cancel(
            name, client.client_id, operation=self._new_operation(), by=question.party.name
        )
        return GrantStatus.CANCELLED if state is State.CANCELLED else GrantStatus.SETTLED

    async def _client(self, question: GrantQuestion) -> Client:
        if not question.party.may_act_for(question.client_id):
            raise InvalidGrantError from Reason("the token endpoint may not act for this client")
        client = await self._clients.find(question.client_id)
        if client is None or not client.enabled:
            raise InvalidGrantError from Reason("the client is unknown or disabled")
        note_client(client.client_id)
        return client
