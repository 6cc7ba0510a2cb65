"""Documents for everybody: metadata, which the configuration makes, and the key set."""

from collections.abc import Callable
from typing import Final

import msgspec
from starlette.types import Receive, Scope, Send

from ciba_service.endpoints.answers import respond_error
from ciba_service.ports import Telemetry
from ciba_service.protocol.errors import InvalidRequestError
from ciba_service.protocol.jose.life_cycle import KEY_SET_MAX_AGE

__all__ = ["PublishedDocument"]

_HEADERS: Final = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"public, max-age=%d" % KEY_SET_MAX_AGE),
]
_METHOD_NOT_ALLOWED: Final = 405


class PublishedDocument:
    """A JSON document under ``GET`` and ``HEAD``, as it is at that moment."""

    def __init__(self, content: Callable[[], object], telemetry: Telemetry) -> None:
        self._content = content
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
        body = msgspec.json.encode(self._content())
        headers = [*_HEADERS, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
