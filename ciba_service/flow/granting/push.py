"""What is pushed to a client: tokens that are minted now, or why there are none (CIBA 10.3, 12).

Tokens are stored with the swap that makes them count, before anybody sends them: whoever sends,
and however often, sends the same bytes. Tokens that cannot be brought to their client are ended.
"""

from collections.abc import Callable

import msgspec

from ciba_service.flow.granting.access_index import AccessIndex
from ciba_service.flow.granting.completion import Approved, Completion, Taker
from ciba_service.flow.granting.issuance import Reach
from ciba_service.ports import (
    CallbackStore,
    Clock,
    GrantStore,
    PendingCallback,
    Push,
    Telemetry,
    TransactionStore,
)
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import OAuth2Error
from ciba_service.protocol.tokens.push import pushed_error, pushed_tokens
from ciba_service.protocol.transaction.state import State

__all__ = ["Pushes"]


class Pushes:
    """Makes what a push carries, and takes it back when nobody takes it."""

    def __init__(
        self,
        *,
        transactions: TransactionStore,
        callbacks: CallbackStore,
        completion: Completion,
        grants: GrantStore,
        index: AccessIndex,
        new_operation: Callable[[], str],
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._transactions = transactions
        self._callbacks = callbacks
        self._completion = completion
        self._grants = grants
        self._index = index
        self._new_operation = new_operation
        self._clock = clock
        self._telemetry = telemetry

    async def body(self, pending: PendingCallback, client: Client) -> bytes | None:
        """What this client is told, the same at every attempt; None when that is nothing any more.

        Raises:
            StoreUnavailable, SignerUnavailable: when they cannot be reached; nothing was lost.
        """
        if pending.state is State.APPROVED:
            push = await self._new_tokens(pending, client)
            if push is not None:
                return push.body.encode()
            # The account gate closed, or somebody else was faster: look again.
            found = await self._callbacks.find(pending.transaction_id, now=self._clock.now_ms())
            if found is None:
                return None
            pending = found
        if pending.push is not None:
            return pending.push.body.encode() if await self._still_count(pending) else None
        told = pushed_error(pending.state, auth_req_id=pending.callback.auth_req_id)
        return None if told is None else msgspec.json.encode(told)

    async def _still_count(self, pending: PendingCallback) -> bool:
        """Whether tokens that were made at an earlier attempt may still reach their client."""
        stored = await self._grants.read(pending.transaction_id)
        return stored is not None and await self._completion.lets_redeem(stored.grant)

    async def abandon(self, pending: PendingCallback) -> None:
        """End the grant whose tokens nobody took; raises ``StoreUnavailable``."""
        found = await self._callbacks.find(pending.transaction_id, now=self._clock.now_ms())
        if found is None or found.push is None:
            return  # Nothing was made to be pushed: whatever tokens there are were asked for.
        stored = await self._grants.read(pending.transaction_id)
        if stored is None:
            return
        await self._grants.end(pending.transaction_id)
        await self._index.ended(stored.grant, now=self._clock.now_ms())
        self._telemetry.event(
            "grant_ended", transaction_id=pending.transaction_id, reason="push_abandoned"
        )

    async def _new_tokens(self, pending: PendingCallback, client: Client) -> Push | None:
        transaction = await self._transactions.read(
            pending.transaction_id, now=self._clock.now_ms()
        )
        if transaction is None or transaction.state is not State.APPROVED:
            return None
        approved, auth_req_id = Approved.of(transaction), pending.callback.auth_req_id
        grant = approved.grant
        taker = Taker(client, approved.request.binding, self._new_operation(), auth_req_id)
        try:
            minted = await self._completion.mint(
                approved,
                taker,
                Reach(scope=grant.scope, resources=grant.resources, details=grant.details),
            )
            tokens = minted.tokens
            told = pushed_tokens(tokens.response, auth_req_id=auth_req_id)
            push = Push(
                body=msgspec.json.encode(told).decode(),
                until=min(pending.deadline, tokens.good_until * 1000),
            )
            await self._completion.settle(minted, taker, push=push)
        except OAuth2Error:
            return None
        return push
