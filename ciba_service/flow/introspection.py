"""A resource server asks about a token (RFC 7662)."""

from ciba_service.flow.client_request import ClientRequest
from ciba_service.flow.live_tokens import LiveTokens
from ciba_service.flow.token_queries import TokenQueries
from ciba_service.protocol.tokens.introspection import ActiveToken, InactiveToken, describe
from ciba_service.protocol.transaction.gate import Step

__all__ = ["Introspection"]


class Introspection:
    """Two round trips: authenticate and find, look at the accounts.

    A caller learns of tokens for the resources it is registered to protect. A client that protects
    none learns of none, since each is for somebody else (FAPI 2.0 Message Signing 6.2).
    """

    def __init__(self, *, queries: TokenQueries, tokens: LiveTokens, issuer: str) -> None:
        self._queries = queries
        self._tokens = tokens
        self._issuer = issuer

    async def introspect(self, sent: ClientRequest) -> ActiveToken | InactiveToken:
        """What the token is good for; raises as ``TokenQueries.read`` does."""
        query = await self._queries.read(sent)
        live = await self._tokens.alive(Step.INTROSPECT, query.found)
        if live is None or live.token.audience.isdisjoint(query.client.protected_resources):
            return InactiveToken()
        return describe(live.grant, live.token, issuer=self._issuer)
