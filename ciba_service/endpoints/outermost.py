"""The outermost handler: whatever escaped becomes a 500 without text, and a line in the log."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ciba_service.endpoints.answers import respond_error
from ciba_service.ports import Telemetry
from ciba_service.protocol.errors import ServerError

__all__ = ["Outermost"]


class Outermost:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, and answer for defects."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        except Exception as defect:  # noqa: BLE001 - the one place for whatever escaped
            self._telemetry.failure("defect", defect, path=scope["path"])
            if not started:
                await respond_error(send, ServerError(), self._telemetry)
