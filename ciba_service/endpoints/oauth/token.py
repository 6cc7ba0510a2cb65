"""Token endpoint (RFC 6749 3.2, CIBA 10.1, 11)."""

from http import HTTPStatus

from starlette.types import Receive, Scope, Send

from ciba_service.endpoints.answers import respond
from ciba_service.endpoints.held import applied_wait_header, note_patience, patience_of
from ciba_service.endpoints.oauth.client_form import ClientFormEndpoint
from ciba_service.endpoints.oauth.nonce_header import Headers, NonceHeader
from ciba_service.flow.granting.token_request import TokenRequests
from ciba_service.ports import Telemetry
from ciba_service.protocol.errors import OAuth2Error

__all__ = ["TokenEndpoint"]


class TokenEndpoint(ClientFormEndpoint):
    """``POST /token``; whoever uses DPoP is told the nonce for its next proof (RFC 9449 8).

    Who prefers to wait for an answer may be kept waiting (RFC 7240, CIBA 10.1).
    """

    def __init__(
        self, requests: TokenRequests, *, nonce: NonceHeader, telemetry: Telemetry
    ) -> None:
        super().__init__(telemetry)
        self._requests = requests
        self._nonce = nonce

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request, and notice when its sender goes away meanwhile."""
        note_patience(scope, receive)
        await super().__call__(scope, receive, send)

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Answer with tokens, or with the error that says why not."""
        response = await self._requests.answer(self.read(scope, body), patience_of(scope))
        headers = (*self._nonce.told(scope), *applied_wait_header(scope))
        await respond(send, HTTPStatus.OK, response, headers)

    def challenge(self, scope: Scope, error: OAuth2Error) -> Headers:
        """What every error answer here carries."""
        return (
            *super().challenge(scope, error),
            *self._nonce.told(scope),
            *applied_wait_header(scope),
        )
