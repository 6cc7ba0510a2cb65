"""Server-sent events (WHATWG HTML 9.2): one event a group of lines, data as JSON."""

from typing import Final

import msgspec
from starlette.types import Send

__all__ = ["EVENT_STREAM", "EventStream"]

EVENT_STREAM: Final = "text/event-stream"
_HEADERS: Final = [
    (b"content-type", EVENT_STREAM.encode("ascii")),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would keep events back until it has enough of them
]
_encoder: Final = msgspec.json.Encoder()


class EventStream:
    """An answer that goes on until ``end``."""

    __slots__ = ("_send",)

    def __init__(self, send: Send) -> None:
        self._send = send

    async def begin(self) -> None:
        """Send the head."""
        await self._send({"type": "http.response.start", "status": 200, "headers": _HEADERS})

    async def event(self, name: str, data: object, *, number: int | None = None) -> None:
        """Send an event; with a ``number`` whoever comes back can go on after it."""
        identifier = b"" if number is None else b"id: %d\n" % number
        head = identifier + b"event: " + name.encode("ascii")
        await self._body(head + b"\ndata: " + _encoder.encode(data) + b"\n\n")

    async def comment(self) -> None:
        """Send what says nothing and shows that the connection lives."""
        await self._body(b":\n\n")

    async def end(self) -> None:
        """Say no more."""
        await self._send({"type": "http.response.body", "body": b""})

    async def _body(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
