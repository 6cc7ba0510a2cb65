"""A real listener within bounds, an application that tells what it got, and bare connections."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ciba_service.listening.bounded_http import Crowd, HttpBounds, http_within
from ciba_service.listening.bounded_websocket import BoundedWebSocket

PATIENT = HttpBounds(
    head_size=4_096,
    head_seconds=30,
    message_seconds=30,
    write_seconds=30,
    farewell_seconds=30,
    connections=4,
)
HASTY = HttpBounds(
    head_size=4_096,
    head_seconds=0.4,
    message_seconds=0.4,
    write_seconds=0.4,
    farewell_seconds=0.4,
    connections=4,
)
REFUSAL = {
    "error": "invalid_request",
    "error_description": "The request is malformed or lacks a required parameter.",
}


def request(*lines: str, body: str = "", target: str = "/token") -> bytes:
    """A POST."""
    text = "\r\n".join((f"POST {target} HTTP/1.1", "Host: service", *lines))
    return f"{text}\r\n\r\n{body}".encode("latin-1")


@dataclass
class Application:
    """Answers with what it got; ``/early`` does not wait for the body, ``/held`` for ``gate``.

    ``/told`` sends ``messages``, ``/patient`` says when its sender has ``left`` and nothing else.
    A WebSocket is refused; ``/open`` is accepted and heard to its end, ``/unread`` first gets more
    than anybody reads at once, ``/left`` that and nothing else.
    """

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    messages: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "websocket":
            await _speak(scope["path"], receive, send)
            return
        self.arrived.set()
        if scope["path"] == "/told":
            for message in self.messages:
                await send(message)
            return
        if scope["path"] == "/patient":
            while await _length(receive) is not None:
                pass
            self.left.set()
            return
        if scope["path"] == "/held":
            await self.gate.wait()
        length = 0 if scope["path"] == "/early" else await _length(receive)
        if length is None:
            return
        names = [name.decode() for name, _ in scope["headers"]]
        content = {"path": scope["path"], "headers": names, "length": length}
        body = b"x" * 60_000 if scope["path"] == "/long" else json.dumps(content).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _speak(path: str, receive: Receive, send: Send) -> None:
    await receive()
    if path not in {"/open", "/unread", "/left"}:
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    if path != "/open":
        await send({"type": "websocket.send", "text": "x" * 20_000_000})
    while path != "/left" and (await receive())["type"] != "websocket.disconnect":
        pass


async def _length(receive: Receive) -> int | None:
    length, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        length, more = length + len(message.get("body", b"")), message.get("more_body", False)
    return length


@dataclass
class Connection:
    """A bare connection to the listener."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> bytes:
        """The head of one answer."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def answer(self) -> tuple[int, dict[str, object]]:
        """One answer: status and JSON."""
        head = await self.head()
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return int(head.split(b" ")[1]), json.loads(await self.reader.readexactly(length))

    async def is_ended(self) -> bool:
        """Whether nothing more comes."""
        try:
            return await self.reader.read() == b""
        except ConnectionResetError:
            return True


@dataclass
class Listener:
    """A listener and the application behind it."""

    port: int
    application: Application
    server: uvicorn.Server

    @asynccontextmanager
    async def connection(
        self, tls: ssl.SSLContext | None = None, *, buffer: int = 65_536
    ) -> AsyncIterator[Connection]:
        """Connect."""
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self.port, ssl=tls, limit=buffer
            )
            try:
                yield Connection(reader, writer)
            finally:
                writer.close()

    async def until_unread(self) -> None:
        """Wait until answers wait for their reader."""
        await self._until(lambda open_now: any(_is_unread(connection) for connection in open_now))

    async def until_switched(self) -> None:
        """Wait until a connection is a WebSocket's."""
        await self._until(lambda open_now: any(isinstance(c, BoundedWebSocket) for c in open_now))

    async def until_queued(self) -> None:
        """Wait until a request waits for the answer to another on its connection."""
        await self._until(lambda open_now: any(connection.pipeline for connection in open_now))

    def most_queued(self) -> int:
        """How many requests wait for the answers to others, on the connection with the most."""
        open_now = self.server.server_state.connections
        return max((len(each.pipeline) for each in open_now), default=0)  # type: ignore[union-attr] # HTTP

    async def until_left(self, number: int) -> None:
        """Wait until only so many connections are left."""
        await self._until(lambda open_now: len(open_now) == number)

    async def until_deserted(self) -> None:
        """Wait until no connection is left."""
        await self._until(lambda open_now: not open_now)

    async def _until(self, condition: Callable[[set[Any]], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition(self.server.server_state.connections):  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(0)


def _is_unread(connection: object) -> bool:
    return isinstance(connection, HttpToolsProtocol) and connection.flow.write_paused


@asynccontextmanager
async def listening(
    bounds: HttpBounds,
    tls: ssl.SSLContext | None = None,
    *,
    keep_alive: float = 30,
    crowd: Crowd | None = None,
    ws: type[BoundedWebSocket] = BoundedWebSocket,
    ping_seconds: float = 30,
) -> AsyncIterator[Listener]:
    """A server within these bounds."""
    application = Application()
    config = uvicorn.Config(
        application,
        http=http_within(bounds, crowd),
        ws=ws,
        ws_ping_interval=ping_seconds,
        ws_ping_timeout=ping_seconds,
        log_config=None,
        lifespan="off",
        timeout_keep_alive=keep_alive,  # type: ignore[arg-type] # whole seconds are too long here
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: config.http_protocol_class(  # type: ignore[call-arg] # uvicorn's own signature
            config=config, server_state=server.server_state, app_state={}, _loop=loop
        ),
        "127.0.0.1",
        ssl=tls,
    )
    open_listener = Listener(listener.sockets[0].getsockname()[1], application, server)
    try:
        yield open_listener
    finally:
        listener.close()
        application.gate.set()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        await open_listener.until_deserted()
