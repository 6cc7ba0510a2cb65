"""What stands before an embedded service: it lets requests in while the service runs."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from ciba_service.endpoints.answers import respond_error
from ciba_service.ports import Telemetry
from ciba_service.protocol.errors import Reason, TemporarilyUnavailableError

__all__ = ["Door", "ServiceNotRunning"]

# RFC 6455 7.4.1, as registered later: try again later.
_TRY_AGAIN_LATER: Final = {"type": "websocket.close", "code": 1013}
_FIX: Final = (
    "the service does not run: its host has to enter service.running(), for instance by "
    "Starlette(lifespan=service.lifespan), since nobody runs the lifespan of a mounted application"
)


class ServiceNotRunning(Exception):
    """Somebody asks a service whose host does not run it."""


class Door:
    """ASGI application: the service while it runs, else 503 and a line in the log.

    The service finds its endpoints by the whole path, whatever they are mounted below. Where it is
    no part of another application, a server runs its lifespan.
    """

    def __init__(
        self,
        running: Callable[[Starlette], AbstractAsyncContextManager[None]],
        telemetry: Telemetry,
    ) -> None:
        self._app: ASGIApp | None = None
        self._alone = Starlette(lifespan=running)
        self._telemetry = telemetry
        self._has_told = False

    def open(self, app: ASGIApp) -> None:
        """From now on requests are served."""
        self._app = app
        self._has_told = False

    def close(self) -> None:
        """From now on they are refused."""
        self._app = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse."""
        if scope["type"] == "lifespan":
            await self._alone(scope, receive, send)
        elif self._app is None:
            await self._refuse(scope, send)
        else:
            await self._app(_below_nothing(scope), receive, send)

    async def _refuse(self, scope: Scope, send: Send) -> None:
        if not self._has_told:
            self._has_told = True
            self._telemetry.failure("service_not_running", ServiceNotRunning(_FIX))
        if scope["type"] == "websocket":
            await send(_TRY_AGAIN_LATER)
            return
        error = TemporarilyUnavailableError()
        error.__cause__ = Reason("the service does not run")
        await respond_error(send, error, self._telemetry)


def _below_nothing(scope: Scope) -> dict[str, Any]:
    """The path with whatever the application is mounted below, as servers send it (ASGI HTTP)."""
    return {**scope, "root_path": ""}
