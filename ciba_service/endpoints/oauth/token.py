"""Token endpoint (RFC 6749 3.2, CIBA 10.1, 11)."""

from http import HTTPStatus

from starlette.types import Scope, Send

from ciba_service.endpoints.answers import respond
from ciba_service.endpoints.oauth.client_form import ClientFormEndpoint
from ciba_service.flow.token_request import TokenRequests
from ciba_service.ports import Clock, Telemetry
from ciba_service.protocol.errors import OAuth2Error
from ciba_service.protocol.tokens.dpop.nonces import DpopNonces

__all__ = ["TokenEndpoint"]


class TokenEndpoint(ClientFormEndpoint):
    """``POST /token``; whoever uses DPoP is told the nonce for its next proof (RFC 9449 8)."""

    def __init__(
        self,
        requests: TokenRequests,
        *,
        nonces: DpopNonces | None,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        super().__init__(telemetry)
        self._requests = requests
        self._nonces = nonces
        self._clock = clock

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Answer with tokens, or with the error that says why not."""
        request = self.read(scope, body)
        response = await self._requests.answer(request)
        nonce = self._nonce() if request.dpop else ()
        await respond(send, HTTPStatus.OK, response, nonce)

    def challenge(self, scope: Scope, error: OAuth2Error) -> tuple[tuple[bytes, bytes], ...]:
        """What every error answer here carries."""
        uses_dpop = any(name == b"dpop" for name, _ in scope["headers"])
        return (*super().challenge(scope, error), *(self._nonce() if uses_dpop else ()))

    def _nonce(self) -> tuple[tuple[bytes, bytes], ...]:
        if self._nonces is None:
            return ()
        return ((b"dpop-nonce", self._nonces.current(self._clock.now_ms() / 1000).encode()),)
