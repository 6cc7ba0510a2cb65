"""Which accesses of a user last: written before there are tokens, so that none stays unseen.

A place is reserved under the transaction's id before its grant is stored, and put off before a
refresh is. What a crash leaves behind is a place without a grant: nobody sees it, and it goes with
its time. An access without a place (of an older version, say) gets one at its next refresh.
"""

import asyncio

from ciba_service.ports import (
    AccessStore,
    GrantStore,
    StoreUnavailable,
    Telemetry,
    UnknownRecordFormat,
)
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.tokens.refresh_token import RefreshLifetime
from ciba_service.sca.phones.devices import UserTag, user_tag

__all__ = ["AccessIndex"]


class AccessIndex:
    """Keeps the places; every ``now`` is in milliseconds."""

    def __init__(
        self,
        *,
        accesses: AccessStore,
        grants: GrantStore,
        lifetime: RefreshLifetime,
        telemetry: Telemetry,
    ) -> None:
        self._accesses = accesses
        self._grants = grants
        self._lifetime = lifetime
        self._telemetry = telemetry

    async def reserve(self, grant: Grant, *, now: int) -> tuple[str, ...]:
        """Take a place for a grant that lasts; the names of those it leaves no room for."""
        return await self._accesses.reserve(
            user_tag(grant.subject),
            grant.txn,
            now=now,
            until=self._lifetime.good_until(grant, now),
        )

    async def put_off(self, grant: Grant, *, now: int) -> None:
        """Keep the place as long as a refresh token that is used now is good."""
        until = self._lifetime.good_until(grant, now)
        await self._accesses.reserve(user_tag(grant.subject), grant.txn, now=now, until=until)

    async def make_room(self, grant: Grant, crowded: tuple[str, ...], *, now: int) -> None:
        """End those there is no room for; what cannot be ended now is found the next time."""
        tag = user_tag(grant.subject)
        await asyncio.gather(*(self._crowd_out(tag, name, now) for name in crowded))

    async def _crowd_out(self, tag: UserTag, transaction_id: str, now: int) -> None:
        try:
            await self._grants.end(transaction_id)
            await self._accesses.remove(tag, transaction_id, now=now)
        except StoreUnavailable as error:
            # The tokens that wait for this are stored, or will be, and must be sent.
            self._telemetry.failure("accesses_crowded", error, transaction_id=transaction_id)
        else:
            self._telemetry.event("grant_ended", transaction_id=transaction_id, reason="too_many")

    async def end_those_of(self, client_id: str, tag: UserTag, *, now: int) -> None:
        """End what a client holds of a user who did not ask for its request.

        Raises:
            StoreUnavailable: when the store cannot be reached; whatever was done may be done again.
        """
        names = await self._accesses.names(tag, now=now)
        await asyncio.gather(*(self._end_if_of(client_id, tag, name, now) for name in names))

    async def _end_if_of(self, client_id: str, tag: UserTag, transaction_id: str, now: int) -> None:
        try:
            stored = await self._grants.read(transaction_id)
        except UnknownRecordFormat as error:
            # One record that cannot be read must not keep the others.
            self._telemetry.failure("grant_unreadable", error, transaction_id=transaction_id)
            return
        # The list is not sealed; what a grant says of its user is.
        is_theirs = stored is not None and (
            (stored.grant.client_id, user_tag(stored.grant.subject)) == (client_id, tag)
        )
        if is_theirs and await self._grants.end(transaction_id):
            await self._accesses.fade(tag, transaction_id, now=now)
            self._telemetry.event("grant_ended", transaction_id=transaction_id, reason="not_me")

    async def give_up(self, grant: Grant, *, now: int) -> None:
        """Let a place go again whose grant is not to last."""
        await self._accesses.remove(user_tag(grant.subject), grant.txn, now=now)

    async def ended(self, grant: Grant, *, now: int) -> None:
        """Give the place up, except for those who ask once more to end it."""
        await self._accesses.fade(user_tag(grant.subject), grant.txn, now=now)
