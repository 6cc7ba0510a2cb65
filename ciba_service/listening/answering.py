"""One request and its answer, written at once where it is known to be short.

uvicorn writes head and body apart, looks at each header with two expressions, and waits for a body
that has arrived already: all of that twice for each request is a twentieth of what a poll costs.
Whatever is unusual it still does itself.
"""

import re
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from ciba_service.listening.refusals import refusal

__all__ = ["Answering", "arrived_body"]

_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_LEFT_TO_UVICORN: Final = frozenset({b"connection", b"transfer-encoding"})


def arrived_body(receive: object) -> bytes | None:
    """The whole body of a request, where it is at hand; None where it has to be waited for.

    ``receive`` is what the application was given, by our own server or another.
    """
    request = getattr(receive, "__self__", None)
    return request.arrived_body() if isinstance(request, Answering) else None


class Answering(RequestResponseCycle):
    """uvicorn's cycle, with a shorter way for an answer that has a length and comes whole."""

    _head: bytes | None = None
    _is_read = False

    async def send(self, message: Any) -> None:  # noqa: ANN401 - an ASGI message
        """Keep the head of a short answer until its body comes."""
        if not self.response_started:
            self._head = self._short_head(message)
            if self._head is None:
                await super().send(message)
            else:
                self.response_started, self.waiting_for_100_continue = True, False
        elif self._head is None:
            await super().send(message)
        else:
            await self._send_whole(self._head, message)

    async def receive(self) -> Any:  # noqa: ANN401 - an ASGI message
        """A body that has arrived is handed over without waiting."""
        body = self.arrived_body()
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        self._is_read = True
        return await super().receive()

    def arrived_body(self) -> bytes | None:
        """The whole body, where it has arrived and was not asked for before."""
        if self.more_body or self._is_read or self.waiting_for_100_continue:
            return None
        if self.disconnected or self.response_complete or self.flow.read_paused:
            return None
        self._is_read = True
        self.message_event.clear()
        body, self.body = bytes(self.body), bytearray()
        return body

    async def send_500_response(self) -> None:
        """The server ends, or the application said nothing: it may well be well later.

        Defects have their answer from the application itself; nothing comes here but what was cut
        off.
        """
        self._head = None
        self.response_started = self.response_complete = True
        if not self.disconnected:
            self.transport.write(refusal(HTTPStatus.SERVICE_UNAVAILABLE))
        self.transport.close()

    async def _send_whole(self, head: bytes, message: Any) -> None:  # noqa: ANN401 - an ASGI message
        self._head = None
        body = message.get("body", b"")
        is_whole = not message.get("more_body") and len(body) == self.expected_content_length
        if message["type"] != "http.response.body" or not is_whole or self.flow.write_paused:
            if not self.disconnected:
                self.transport.write(head)
            await super().send(message)
            return
        if self.disconnected:
            return
        self.transport.write(head + body)
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _short_head(self, message: Any) -> bytes | None:  # noqa: ANN401 - an ASGI message
        """The head as bytes; None where uvicorn has to look at it."""
        if message["type"] != "http.response.start" or self.scope["method"] == "HEAD":
            return None
        lines, length = [STATUS_LINE[message["status"]]], None
        for name, value in (*self.default_headers, *message.get("headers", ())):
            if name in _LEFT_TO_UVICORN:
                return None
            if name == b"content-length":
                length = int(value)
            lines.append(b"%b: %b\r\n" % (name, value))
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        head = b"".join(lines) + b"\r\n"
        # Nothing that was told could end a line of its own.
        if length is None or head.count(b"\n") != len(lines) + 1 or _CONTROL.search(head):
            return None
        self.expected_content_length, self.chunked_encoding = length, False
        return head
