"""Authorization endpoint: published, since metadata must name one; there is no front channel."""

from http import HTTPStatus

from starlette.types import Receive, Scope, Send

from ciba_service.endpoints.answers import respond_error
from ciba_service.ports import Telemetry
from ciba_service.protocol.errors import InvalidRequestError, UnsupportedResponseTypeError

__all__ = ["AuthorizationEndpoint"]


class AuthorizationEndpoint:
    """``GET`` and ``POST /authorize``: 400 whatever is asked, and never a redirect."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Refuse one HTTP request."""
        if scope["method"] in {"GET", "HEAD", "POST"}:
            await respond_error(send, UnsupportedResponseTypeError(), self._telemetry)
            return
        await respond_error(
            send,
            InvalidRequestError(),
            self._telemetry,
            status=HTTPStatus.METHOD_NOT_ALLOWED,
            headers=((b"allow", b"GET, HEAD, POST"),),
        )
