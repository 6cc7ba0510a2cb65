"""HTTP/1.1 within bounds: uvicorn's protocol limits neither the size of a head nor its time.

A head that is too large is answered 431, one that is too slow 408, a malformed one 400, always as
the JSON of the other errors, and the connection ends. Trailers are refused: they would be appended
to headers that were read before.
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar, Final

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ciba_service.protocol.errors import InvalidRequestError

__all__ = ["BoundedHttp", "HttpBounds", "http_within"]

_BODY: Final = msgspec.json.encode(
    {"error": InvalidRequestError.error, "error_description": InvalidRequestError.description}
)
_HEAD_OF_REFUSAL: Final = b"".join(
    (
        b"content-type: application/json\r\ncache-control: no-store\r\n",
        b"content-length: %d\r\n" % len(_BODY),
        b"connection: close\r\n\r\n",
    )
)


@dataclass(frozen=True, slots=True)
class HttpBounds:
    """Sizes in bytes, times in seconds; ``connections`` are those of one listener."""

    head_size: int = 32_768
    head_seconds: float = 10.0
    message_seconds: float = 60.0
    connections: int = 10_000


class HeadRefused(Exception):
    """The head is not taken; ``status`` says why."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class BoundedHttp(HttpToolsProtocol):
    """One connection; ``http_within`` makes the class for given bounds."""

    bounds: ClassVar = HttpBounds()

    _in_head = True
    _head_size = 0
    _unparsed = 0
    _refusal = HTTPStatus.BAD_REQUEST
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head, if there is room for one more connection."""
        super().connection_made(transport)
        if len(self.connections) > self.bounds.connections:
            transport.abort()
            return
        self._wait(self.bounds.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and stop where a head is longer or takes longer than it may."""
        if self._in_head and self._deadline is None:
            self._wait(self.bounds.head_seconds)
        self._unparsed += len(data)
        super().data_received(data)
        if self.transport.is_closing() or not self._in_head:
            self._unparsed = 0
        elif self._unparsed > self.bounds.head_size:
            # A single header line without end reaches no callback.
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head, self._head_size = True, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Part of the request line."""
        self._count(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer after the body (RFC 9110 6.5)."""
        if not self._in_head:
            raise HeadRefused(HTTPStatus.BAD_REQUEST)
        self._count(name, value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole; its message has its own time."""
        self._in_head = False
        self._wait(self.bounds.message_seconds)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The message is whole."""
        self._in_head = True
        self._unparsed = 0
        self._stop_waiting()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over."""
        self._stop_waiting()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own text
        """Answer for whatever the parser stopped at."""
        self._refuse(self._refusal)

    def _count(self, *parts: bytes) -> None:
        self._head_size += sum(map(len, parts))
        if self._head_size > self.bounds.head_size:
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise HeadRefused(self._refusal)

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self._unparsed and self._in_head:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        self._stop_waiting()
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(b"".join((STATUS_LINE[status], _HEAD_OF_REFUSAL, _BODY)))
        self.transport.close()


def http_within(bounds: HttpBounds) -> type[BoundedHttp]:
    """The protocol class for these bounds, as uvicorn takes it."""
    return type("BoundedHttp", (BoundedHttp,), {"bounds": bounds})
