"""Whatever else is asked for: 404, as JSON."""

from starlette.types import Receive, Scope, Send

from ciba_service.endpoints.answers import respond_error
from ciba_service.ports import Telemetry
from ciba_service.protocol.errors import NotFoundError

__all__ = ["NotFound"]


class NotFound:
    """ASGI application of a listener that has a few endpoints only."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Serve one HTTP request."""
        await respond_error(send, NotFoundError(), self._telemetry)
