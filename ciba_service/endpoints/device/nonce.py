"""``GET /device/nonce``: what a socket begins with, for phones without one."""

from http import HTTPStatus
from typing import Final

from starlette.types import Receive, Scope, Send

from ciba_service.endpoints.answers import respond, respond_error
from ciba_service.flow.phones.device_sessions import DeviceSessions
from ciba_service.ports import Telemetry
from ciba_service.protocol.errors import InvalidRequestError, Reason

__all__ = ["NonceEndpoint"]

_READING: Final = ("GET", "HEAD")
_ALLOW: Final = ((b"allow", b", ".join(each.encode() for each in _READING)),)


class NonceEndpoint:
    """Greets a phone."""

    def __init__(self, sessions: DeviceSessions, telemetry: Telemetry) -> None:
        self._sessions = sessions
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Serve one HTTP request."""
        if scope["method"] in _READING:
            await respond(send, HTTPStatus.OK, self._sessions.greet())
            return
        error = InvalidRequestError()
        error.__cause__ = Reason("the method is not GET")
        status = int(HTTPStatus.METHOD_NOT_ALLOWED)
        await respond_error(send, error, self._telemetry, status=status, headers=_ALLOW)
