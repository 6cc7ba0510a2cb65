"""The outermost handler: whatever escaped ends in an answer without text, and a line in the log."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ciba_service.endpoints.answers import respond_error
from ciba_service.ports import Telemetry
from ciba_service.protocol.errors import ServerError

__all__ = ["Outermost"]

# RFC 6455 7.4.1: the server met a condition it did not expect.
_INTERNAL_ERROR: Final = {"type": "websocket.close", "code": 1011}


class Outermost:
    """ASGI middleware around everything."""

    def __init__(
        self,
        app: ASGIApp,
        telemetry: Telemetry,
        answer: Callable[[Send], Awaitable[None]] | None = None,
    ) -> None:
        """``answer`` is what a defect is answered with where it is not an error of OAuth."""
        self._app = app
        self._telemetry = telemetry
        self._answer = answer or self._server_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, and answer for defects."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        started = False

        def noting_send(message: Message) -> Awaitable[None]:
            nonlocal started
            started = True
            return send(message)

        try:
            await self._app(scope, receive, noting_send)
        except Exception as defect:  # noqa: BLE001 - the one place for whatever escaped
            self._telemetry.failure("defect", defect, path=scope["path"])
            if scope["type"] == "websocket":
                with suppress(OSError, RuntimeError):  # the phone has gone, or was told
                    await send(_INTERNAL_ERROR)
            elif not started:
                await self._answer(send)

    async def _server_error(self, send: Send) -> None:
        await respond_error(send, ServerError(), self._telemetry)
