"""Who writes tokens, once it is decided what they stand for."""

from typing import Protocol

from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.tokens.access_token import AccessToken
from ciba_service.protocol.tokens.claims import IdTokenClaims
from ciba_service.protocol.tokens.grant import Grant

__all__ = ["TokenIssuer"]


class TokenIssuer(Protocol):
    """Turns what was decided into text; it stores nothing, and may be asked in vain.

    Both raise ``SignerUnavailable``; nothing was lost then.
    """

    async def access_token(self, grant: Grant, token: AccessToken, client: Client) -> str:
        """A text that no other token has, and that ``transaction_of`` finds the grant by.

        A JWT with the claim ``txn``, or what ``new_token`` makes: the hash of this very text is
        stored, and whatever else is presented is no token of ours.
        """
        ...

    async def id_token(self, claims: IdTokenClaims, client: Client) -> str:
        """The ID token with these claims (OpenID Connect Core 2)."""
        ...
