"""Tokens as this service writes them: signed JWTs, or access tokens that say nothing."""

from ciba_service.flow.granting.issuance import TokenPolicy
from ciba_service.flow.signing import signed
from ciba_service.ports import KeyRing, Randomness
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.names import ACCESS_TOKEN_TYP, ID_TOKEN_TYP, AccessTokenFormat
from ciba_service.protocol.tokens.access_token import AccessToken
from ciba_service.protocol.tokens.claims import IdTokenClaims, access_token_claims
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.tokens.token_text import new_token

__all__ = ["SignedTokens"]


class SignedTokens:
    """``ports.TokenIssuer`` with the service's own keys."""

    def __init__(self, *, policy: TokenPolicy, keys: KeyRing, random: Randomness) -> None:
        self._policy = policy
        self._keys = keys
        self._random = random

    async def access_token(self, grant: Grant, token: AccessToken, client: Client) -> str:
        """A JWT (RFC 9068) or an opaque token, as the client or else the operator has it."""
        chosen = client.access_token_format or self._policy.access_token_format
        if chosen is AccessTokenFormat.OPAQUE:
            return new_token(grant.txn, self._random)
        return await signed(
            self._keys.token_signer(self._policy.access_token_alg),
            typ=ACCESS_TOKEN_TYP,
            claims=access_token_claims(grant, token, issuer=self._policy.issuer),
        )

    async def id_token(self, claims: IdTokenClaims, client: Client) -> str:
        """Signed as the client registered it."""
        signer = self._keys.token_signer(client.id_token_alg)
        return await signed(signer, typ=ID_TOKEN_TYP, claims=claims)
