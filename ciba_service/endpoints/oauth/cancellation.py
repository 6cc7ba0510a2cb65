"""Cancellation endpoint: a client gives up its authentication request (docs/openapi.yaml)."""

from starlette.types import Scope, Send

from ciba_service.endpoints.answers import respond_nothing
from ciba_service.endpoints.oauth.client_form import ClientFormEndpoint
from ciba_service.flow.cancellation import Cancellation
from ciba_service.ports import Telemetry

__all__ = ["CancellationEndpoint"]


class CancellationEndpoint(ClientFormEndpoint):
    """``POST /bc-authorize/cancel``."""

    def __init__(self, cancellation: Cancellation, telemetry: Telemetry) -> None:
        super().__init__(telemetry)
        self._cancellation = cancellation

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Answer 204, however often it is asked."""
        await self._cancellation.cancel(self.read(scope, body))
        await respond_nothing(send)
