"""A client presents a token to speak about it: at introspection and at revocation."""

from collections.abc import Callable
from dataclasses import dataclass

from ciba_service.flow.clients.client_authentication import ClientAuthentication
from ciba_service.flow.clients.client_request import ClientRequest
from ciba_service.flow.tokens.found_token import FoundToken, find_token, spend_and_find
from ciba_service.ports import GrantStore
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.errors import MissingParameterError, Reason

__all__ = ["TokenQueries", "TokenQuery"]


@dataclass(frozen=True, slots=True)
class TokenQuery:
    """An authenticated client and what its ``token`` leads to."""

    client: Client
    found: FoundToken | None


class TokenQueries:
    """Authenticates and finds in one round trip."""

    def __init__(
        self,
        *,
        authentication: ClientAuthentication,
        grants: GrantStore,
        new_operation: Callable[[], str],
    ) -> None:
        self._authentication = authentication
        self._grants = grants
        self._new_operation = new_operation

    async def read(self, sent: ClientRequest) -> TokenQuery:
        """Read the form; ``token_type_hint`` is not needed, since every type is found alike.

        Raises:
            InvalidClientError: first of all, when the client did not prove who it is.
            InvalidRequestError: when there is no ``token``.
            StoreUnavailable: when the store cannot be reached.
        """
        verified = await self._authentication.verify(sent)
        spend = self._authentication.consume(verified, operation=self._new_operation())
        token = sent.form.get("token")
        if token is None:
            await spend
            raise MissingParameterError("token") from Reason("token is missing")
        found = await spend_and_find(spend, find_token(self._grants, token))
        return TokenQuery(verified.client, found)
