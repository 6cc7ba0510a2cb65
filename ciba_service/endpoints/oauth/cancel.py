"""Cancel endpoint: no standard has one; it is described in docs/openapi.yaml."""

from starlette.types import Scope, Send

from ciba_service.endpoints.answers import respond_nothing
from ciba_service.endpoints.oauth.client_form import ClientFormEndpoint
from ciba_service.flow.asking.cancellation import Cancellation
from ciba_service.ports import Telemetry

__all__ = ["CancelEndpoint"]


class CancelEndpoint(ClientFormEndpoint):
    """``POST /bc-authorize/cancel``."""

    def __init__(self, cancellation: Cancellation, telemetry: Telemetry) -> None:
        super().__init__(telemetry)
        self._cancellation = cancellation

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Answer 204, also when the request was cancelled before."""
        await self._cancellation.cancel(self.read(scope, body))
        await respond_nothing(send)
