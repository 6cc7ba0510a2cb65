"""Documents that change only with the configuration: metadata and key set, encoded once."""

from typing import Final

import msgspec
from starlette.types import Receive, Scope, Send

from ciba_service.endpoints.answers import respond_error
from ciba_service.ports import Telemetry
from ciba_service.protocol.errors import InvalidRequestError

__all__ = ["PublishedDocument"]

_HEADERS: Final = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"public, max-age=300"),
]
_METHOD_NOT_ALLOWED: Final = 405


class PublishedDocument:
    """A JSON document under ``GET`` and ``HEAD``."""

    def __init__(self, content: object, telemetry: Telemetry) -> None:
        self._body = msgspec.json.encode(content)
        self._headers = [*_HEADERS, (b"content-length", b"%d" % len(self._body))]
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Serve one HTTP request."""
        if scope["method"] not in {"GET", "HEAD"}:
            await respond_error(
                send,
                InvalidRequestError(),
                self._telemetry,
                status=_METHOD_NOT_ALLOWED,
                headers=((b"allow", b"GET, HEAD"),),
            )
            return
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body})
