"""The CIBA grant: poll, complete; only the winner answers (CIBA 10, 11)."""

from functools import partial

from ciba_service.flow.asking.requested_transaction import transaction_to_redeem
from ciba_service.flow.granting.completion import Approved, Completion, Taker
from ciba_service.flow.granting.issuance import Reach
from ciba_service.flow.granting.polls import Poll, Polls
from ciba_service.flow.granting.token_request import TokenRequest
from ciba_service.ports import Transaction
from ciba_service.protocol.errors import AuthorizationPendingError, Reason
from ciba_service.protocol.request.authorization_details import narrowed_details
from ciba_service.protocol.request.resource import narrowed_resources
from ciba_service.protocol.tokens.claims import TokenResponse

__all__ = ["Redemption"]


class Redemption:
    """A pending poll takes one round trip, a redemption three."""

    def __init__(self, *, polls: Polls, completion: Completion) -> None:
        self._polls = polls
        self._completion = completion

    async def answer(self, request: TokenRequest) -> TokenResponse:
        """Answer a token request of this grant.

        Raises:
            OAuth2Error: the answer, when it is not tokens.
            StoreUnavailable, SignerUnavailable: when they cannot be reached. Nothing was lost,
                unless the store redeemed at the last moment and its word of it was.
        """
        poll = Poll(
            transaction_to_redeem(request.client, request.form),
            request.client,
            request.operation,
            request.patience,
            request.credentials.spending,
            request.peer,
        )
        return await self._polls.settled(poll, partial(self._issue, request))

    async def _issue(self, request: TokenRequest, transaction: Transaction) -> TokenResponse:
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
