"""A client gives a token back (RFC 7009)."""

import asyncio

from ciba_service.flow.clients.client_request import ClientRequest
from ciba_service.flow.granting.access_index import AccessIndex
from ciba_service.flow.tokens.found_token import FoundToken
from ciba_service.flow.tokens.token_queries import TokenQueries
from ciba_service.ports import Clock, GrantStore, Telemetry
from ciba_service.protocol.comparison import equal_secrets

__all__ = ["Revocation"]


class Revocation:
    """Two round trips: authenticate and find, end.

    A refresh token ends its grant, with all access tokens; an access token ends alone. Whatever is
    unknown, over or another client's is left as it is, and the answer is the same.
    """

    def __init__(
        self,
        *,
        queries: TokenQueries,
        grants: GrantStore,
        index: AccessIndex,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._queries = queries
        self._grants = grants
        self._index = index
        self._clock = clock
        self._telemetry = telemetry

    async def revoke(self, sent: ClientRequest) -> None:
        """End the token; raises as ``TokenQueries.read`` does."""
        query = await self._queries.read(sent)
        found = query.found
        if found is None or found.stored.grant.client_id != query.client.client_id:
            return
        name = found.transaction_id
        if _is_refresh_token(found):
            await asyncio.gather(
                self._grants.end(name),
                self._index.ended(found.stored.grant, now=self._clock.now_ms()),
            )
            self._telemetry.event("grant_revoked", transaction_id=name)
        elif found.stored.access_token is not None:
            await self._grants.end_access_token(name, found.hash)
            self._telemetry.event("access_revoked", transaction_id=name)


def _is_refresh_token(found: FoundToken) -> bool:
    token = found.stored.refresh_token
    return token is not None and equal_secrets(found.hash, token.hash)
