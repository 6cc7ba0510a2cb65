"""HTTP/1.1 as lean as can be: kept connections, one request on each at a time.

Whether a request was sent matters here: what could not connect was not sent; what was written and
has no answer may have been done.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, cast

import msgspec

__all__ = ["Answer", "Door", "NoAnswer", "NotSent"]

_IDLE_SECONDS: Final = 2.0
"""The service lets a connection go that is idle for five: long before it would be a race."""
_ANSWER_SECONDS: Final = 40.0
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"
_CLOSE: Final = b"connection: close"


class NotSent(Exception):
    """Nobody listens: the request was not made."""


class NoAnswer(Exception):
    """The request was made, and its connection ended, or it took too long (``is_late``)."""

    def __init__(self, *, is_late: bool) -> None:
        super().__init__("late" if is_late else "ended")
        self.is_late = is_late


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body."""

    status: int
    body: bytes = field(repr=False)

    def text(self, name: str) -> str:
        """A member of the body, where it is a JSON object that has it."""
        with suppress(msgspec.DecodeError):
            members = msgspec.json.decode(self.body)
            if isinstance(members, dict):
                return str(members.get(name, ""))
        return ""


class _Line(asyncio.Protocol):
    """A connection; ``asked`` waits for the answer to what was sent last."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.asked: asyncio.Future[Answer] | None = None
        self.idle_since = 0.0
        self._received = b""
        self._is_last = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's do not say so

    def connection_lost(self, _: Exception | None) -> None:
        self.transport = None
        if self.asked is not None and not self.asked.done():
            self.asked.set_exception(NoAnswer(is_late=False))

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(_HEAD_END)
        if end < 0 or self.asked is None or self.asked.done():
            return
        head = self._received[:end].lower()
        at = head.find(_LENGTH)
        length = 0 if at < 0 else int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
        body = self._received[end + len(_HEAD_END) :]
        if len(body) >= length:
            self._received = b""
            self._is_last = _CLOSE in head
            self.asked.set_result(Answer(int(head[9:12]), body[:length]))

    @property
    def is_open(self) -> bool:
        """Whether it may be used again."""
        return (
            self.transport is not None
            and not self._is_last
            and not self.transport.is_closing()
            and time.monotonic() < self.idle_since + _IDLE_SECONDS
        )

    def close(self) -> None:
        """At once."""
        if self.transport is not None:
            self.transport.abort()


class Door:
    """The way to one process."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._idle: list[_Line] = []

    async def send(self, method: str, path: str, body: bytes = b"", *, headers: str = "") -> Answer:
        """Make a request and wait for its answer.

        Raises:
            NotSent: nobody listens.
            NoAnswer: what became of it nobody knows.
        """
        line = await self._line()
        line.asked = asyncio.get_running_loop().create_future()
        if line.transport is None:
            raise NotSent
        line.transport.write(self._request(method, path, body, headers))
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                answer = await line.asked
        except TimeoutError:
            line.close()
            raise NoAnswer(is_late=True) from None
        except asyncio.CancelledError:
            line.close()
            raise
        line.asked = None
        line.idle_since = time.monotonic()
        self._idle.append(line)
        return answer

    async def send_and_leave(self, method: str, path: str, body: bytes, pause: float) -> None:
        """Make a request and be gone before it is answered; raises ``NotSent``."""
        line = await self._line()
        if line.transport is None:
            raise NotSent
        line.transport.write(self._request(method, path, body, ""))
        await asyncio.sleep(pause)
        line.close()

    def close(self) -> None:
        """Let idle connections go."""
        while self._idle:
            self._idle.pop().close()

    async def _line(self) -> _Line:
        while self._idle:
            line = self._idle.pop()
            if line.is_open:
                return line
            line.close()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                _, line = await loop.create_connection(_Line, "127.0.0.1", self.port)
        except OSError:  # of a timeout, too
            raise NotSent from None
        return line

    def _request(self, method: str, path: str, body: bytes, headers: str) -> bytes:
        kind = "application/x-www-form-urlencoded"
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\n{headers}"
            f"content-length: {len(body)}\r\n{f'content-type: {kind}' if body else 'accept: */*'}"
        )
        return f"{head}\r\n\r\n".encode() + body
