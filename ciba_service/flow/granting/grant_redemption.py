"""The CIBA grant for whoever mints tokens of its own: poll, verify, take (CIBA 10, 11).

``approved`` tells what tokens would stand for, and changes nothing; ``take`` makes them count, and
only one can win. Whoever mints does it between the two, and throws away what lost. Whoever cannot,
since its answer goes over a network first, calls ``redeem``, and again with the same operation
until it has heard the answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from msgspec import structs

from ciba_service.flow.asking.requested_transaction import transaction_to_redeem
from ciba_service.flow.granting.completion import Approved, Completion
from ciba_service.flow.granting.held_polls import Patience
from ciba_service.flow.granting.polls import Poll, Polls
from ciba_service.ports import GrantStore, Transaction
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import (
    AccessDeniedError,
    AuthorizationPendingError,
    InvalidGrantError,
    Reason,
)
from ciba_service.protocol.request.authorization_details import narrowed_details
from ciba_service.protocol.request.resource import narrowed_resources
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.transaction.state import State

__all__ = ["GrantRedemption", "GrantRequest"]


@dataclass(frozen=True, slots=True)
class GrantRequest:
    """A token request whose client another has authenticated, and whose tokens another mints.

    ``form`` has the ``auth_req_id``, and what of the grant is asked for if that is less than all
    (``resource``, ``authorization_details``). ``operation`` is the same for each attempt at one
    redemption. With ``is_one_poll`` all attempts of one operation count as one poll.
    """

    form: Mapping[str, str] = field(repr=False)
    client: Client
    operation: str
    patience: Patience
    is_one_poll: bool = False


class GrantRedemption:
    """Polls as at our own token endpoint; the account gate is asked, and the state is the same."""

    def __init__(
        self,
        *,
        polls: Polls,
        completion: Completion,
        grants: GrantStore,
        new_operation: Callable[[], str],
    ) -> None:
        self._polls = polls
        self._completion = completion
        self._grants = grants
        self._new_operation = new_operation

    async def approved(self, request: GrantRequest) -> Grant:
        """The grant that can be taken now.

        Raises:
            OAuth2Error: the answer, when there is none.
            StoreUnavailable: when the store cannot be reached; nothing was lost.
        """
        return await self._polls.settled(self._poll(request), partial(self._open, request))

    async def take(self, grant: Grant, *, operation: str) -> None:
        """Make it count, once.

        Raises:
            OAuth2Error: when another was first; tokens that were minted are to be thrown away.
            StoreUnavailable: when the store cannot be reached.
        """
        await self._completion.take(grant, operation=operation)

    async def redeem(self, request: GrantRequest) -> Grant:
        """Both at once; the operation that took a grant gets it again, while its record is kept.

        Raises:
            OAuth2Error: the answer, when it is no grant.
            StoreUnavailable: when the store cannot be reached; ask again with the same operation.
        """
        return await self._polls.settled(self._poll(request), partial(self._redeemed, request))

    def _poll(self, request: GrantRequest) -> Poll:
        return Poll(
            transaction_to_redeem(request.client, request.form),
            request.client,
            request.operation if request.is_one_poll else self._new_operation(),
            request.patience,
        )

    async def _redeemed(self, request: GrantRequest, transaction: Transaction) -> Grant:
        if transaction.state is State.REDEEMED:
            return await self._taken_before(request, transaction.transaction_id)
        grant = await self._open(request, transaction)
        await self.take(grant, operation=request.operation)
        return grant

    async def _open(self, request: GrantRequest, transaction: Transaction) -> Grant:
        approved = Approved.of(transaction)
        grant = _narrowed(approved.grant, request.form)
        await self._completion.verify(approved, operation=request.operation)
        if request.patience.has_gone:
            raise AuthorizationPendingError from Reason("the client has gone while it was held")
        return grant

    async def _taken_before(self, request: GrantRequest, transaction_id: str) -> Grant:
        stored = await self._grants.read(transaction_id)
        if stored is None:
            raise InvalidGrantError from Reason("the grant has ended")
        await self._completion.take_again(stored.grant, operation=request.operation)
        if not await self._completion.lets_redeem(stored.grant):
            raise AccessDeniedError from Reason("the account gate is closed")
        return stored.grant


def _narrowed(grant: Grant, form: Mapping[str, str]) -> Grant:
    """What tokens are asked for (RFC 8707 2.2, RFC 9396 6); raises ``OAuth2Error``."""
    return structs.replace(
        grant,
        resources=narrowed_resources(form.get("resource"), grant.resources),
        details=narrowed_details(form.get("authorization_details"), grant.details),
    )
