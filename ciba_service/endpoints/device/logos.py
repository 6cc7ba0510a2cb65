"""``GET /device/logos/{name}``: the logo that a challenge names by its hash."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from starlette.types import Receive, Scope, Send

from ciba_service.endpoints.answers import respond_error
from ciba_service.ports import Telemetry
from ciba_service.protocol.client.logo import Logo
from ciba_service.protocol.errors import InvalidRequestError, NotFoundError, Reason

__all__ = ["LogoEndpoint"]

_READING: Final = ("GET", "HEAD")
_ALLOW: Final = ((b"allow", b", ".join(each.encode() for each in _READING)),)
_HEADERS: Final = (
    (b"content-type", b"image/png"),
    # Under its hash there will never be anything else.
    (b"cache-control", b"public, max-age=31536000, immutable"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
)


class LogoEndpoint:
    """Serves the logos of configured clients, by their names, to everybody."""

    def __init__(self, find: Callable[[str], Logo | None], telemetry: Telemetry) -> None:
        self._find = find
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Serve one HTTP request."""
        if scope["method"] not in _READING:
            error = InvalidRequestError()
            error.__cause__ = Reason("the method is not GET")
            status = int(HTTPStatus.METHOD_NOT_ALLOWED)
            await respond_error(send, error, self._telemetry, status=status, headers=_ALLOW)
            return
        logo = self._find(scope["path_params"]["name"])
        if logo is None:
            await respond_error(send, NotFoundError(), self._telemetry)
            return
        headers = [*_HEADERS, (b"content-length", b"%d" % len(logo.content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": logo.content})
