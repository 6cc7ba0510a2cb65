"""A resource server asks about a token (RFC 7662), and may want the answer signed (RFC 9701)."""

from dataclasses import dataclass

from ciba_service.flow.clients.client_request import ClientRequest
from ciba_service.flow.signing import signed
from ciba_service.flow.tokens.live_tokens import LiveTokens
from ciba_service.flow.tokens.token_queries import TokenQueries
from ciba_service.ports import Clock, KeyRing
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.names import INTROSPECTION_TYP
from ciba_service.protocol.subject_identifiers import SubjectIdentifiers
from ciba_service.protocol.tokens.introspection import (
    ActiveToken,
    InactiveToken,
    IntrospectionClaims,
    describe,
)
from ciba_service.protocol.transaction.gate import Step

__all__ = ["Introspected", "Introspection"]


@dataclass(frozen=True, slots=True)
class Introspected:
    """What a client is told of the token it asked about."""

    client: Client
    description: ActiveToken | InactiveToken


class Introspection:
    """Two round trips: authenticate and find, look at the accounts.

    A caller learns of tokens for the resources it is registered to protect. A client that protects
    none learns of none, since each is for somebody else (FAPI 2.0 Message Signing 6.2). The user is
    called as the caller knows users, not as the client does that has the token.
    """

    def __init__(
        self,
        *,
        queries: TokenQueries,
        tokens: LiveTokens,
        subjects: SubjectIdentifiers,
        keys: KeyRing,
        issuer: str,
        clock: Clock,
    ) -> None:
        self._queries = queries
        self._tokens = tokens
        self._subjects = subjects
        self._keys = keys
        self._issuer = issuer
        self._clock = clock

    async def introspect(self, sent: ClientRequest) -> Introspected:
        """What the token is good for; raises as ``TokenQueries.read`` does."""
        query = await self._queries.read(sent)
        live = await self._tokens.alive(Step.INTROSPECT, query.found)
        if live is None or live.token.audience.isdisjoint(query.client.protected_resources):
            return Introspected(query.client, InactiveToken())
        sub = self._subjects.told(query.client, live.grant.subject)
        told = describe(live.grant, live.token, sub=sub, issuer=self._issuer)
        return Introspected(query.client, told)

    async def signed(self, introspected: Introspected) -> str:
        """The same as a JWT for its asker (RFC 9701 5); raises ``SignerUnavailable``."""
        return await signed(
            self._keys.token_signer(introspected.client.introspection_alg),
            typ=INTROSPECTION_TYP,
            claims=IntrospectionClaims(
                iss=self._issuer,
                aud=introspected.client.client_id,
                iat=self._clock.now_ms() // 1000,
                token_introspection=introspected.description,
            ),
        )
