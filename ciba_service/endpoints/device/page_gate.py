"""Lets native phones and the configured web pages in, and no other page (Fetch, RFC 6455 10.2).

Before anything is read or done. A page of another origin gets no CORS header and can read nothing;
its WebSocket ends with a handshake that fails, since to accept it would tell the page what is here.
"""

from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ciba_service.endpoints.answers import respond_error
from ciba_service.endpoints.body import header, header_lines
from ciba_service.ports import Telemetry
from ciba_service.protocol.errors import ForeignOriginError, Reason
from ciba_service.sca.phones.web_origins import ForeignOrigin, WebOrigins

__all__ = ["PageGate"]

_VARY: Final = (b"vary", b"Origin")
# RFC 9110 15.5: whatever of the body is still to come is not waited for.
_CLOSE: Final = (b"connection", b"close")
_LOGGED_CHARACTERS: Final = 200


class PageGate:
    """ASGI middleware around one endpoint of phones, which takes one ``method``."""

    def __init__(
        self, app: ASGIApp, *, method: str, origins: WebOrigins, telemetry: Telemetry
    ) -> None:
        self._app = app
        self._method = method.encode("ascii")
        self._origins = origins
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request or socket."""
        lines = header_lines(scope, b"origin")
        try:
            page = self._origins.page(lines)
        except ForeignOrigin:
            await self._refuse(scope, send, lines)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
        elif page is not None and _is_preflight(scope):
            await send(self._allowance(page))
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._app(scope, receive, _with_headers(send, page))

    async def _refuse(self, scope: Scope, send: Send, lines: tuple[str, ...]) -> None:
        origin = " and ".join(lines)[:_LOGGED_CHARACTERS]
        if scope["type"] == "websocket":
            self._telemetry.event("device_origin_refused", origin=origin)
            # Closed before it is accepted: the handshake is answered 403.
            await send({"type": "websocket.close"})
            return
        error = ForeignOriginError()
        error.__cause__ = Reason("the origin is not in device.allowed_origins")
        await respond_error(
            send, error, self._telemetry, headers=(_VARY, _CLOSE), logged={"origin": origin}
        )

    def _allowance(self, page: str) -> Message:
        """What the page may send: this method, these headers, and no cookies."""
        headers = [
            (b"access-control-allow-origin", page.encode("ascii")),
            (b"access-control-allow-methods", self._method),
            (b"access-control-allow-headers", b"authorization, content-type"),
            (b"access-control-max-age", b"600"),
            _VARY,
        ]
        return {
            "type": "http.response.start",
            "status": int(HTTPStatus.NO_CONTENT),
            "headers": headers,
        }


def _is_preflight(scope: Scope) -> bool:
    asked = header(scope, b"access-control-request-method")
    return scope["method"] == "OPTIONS" and asked is not None


def _with_headers(send: Send, page: str | None) -> Send:
    added = [_VARY]
    if page is not None:
        added += [
            (b"access-control-allow-origin", page.encode("ascii")),
            (b"access-control-expose-headers", b"retry-after"),
        ]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sending
