"""Heads, trailers and slow senders against a real listener: bounded, and refused in JSON."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from ciba_service.listening.bounded_http import HttpBounds, http_within

PATIENT = HttpBounds(head_size=4_096, head_seconds=30, message_seconds=30, connections=4)
HASTY = HttpBounds(head_size=4_096, head_seconds=0.05, message_seconds=0.05, connections=4)
REFUSAL = {
    "error": "invalid_request",
    "error_description": "The request is malformed or lacks a required parameter.",
}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the names of the headers and the length of the body."""
    if scope["type"] == "lifespan":
        return
    length, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length, more = length + len(message.get("body", b"")), message.get("more_body", False)
    names = [name.decode() for name, _ in scope["headers"]]
    body = json.dumps({"headers": names, "length": length}).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Connection:
    """A bare connection to the listener."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, object]]:
        """One answer: status and JSON."""
        head = await self.reader.readuntil(b"\r\n\r\n")
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
    """A listener with its bounds."""

    port: int

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Connect."""
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            yield Connection(reader, writer)
        writer.close()


@asynccontextmanager
async def listening(bounds: HttpBounds) -> AsyncIterator[Listener]:
    """A server within these bounds."""
    config = uvicorn.Config(echo, http=http_within(bounds), log_config=None, lifespan="off")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: config.http_protocol_class(  # type: ignore[call-arg]
            config=config, server_state=server.server_state, app_state={}, _loop=loop
        ),
        "127.0.0.1",
    )
    try:
        yield Listener(listener.sockets[0].getsockname()[1])
    finally:
        listener.close()


@pytest.fixture
async def patient() -> AsyncIterator[Listener]:
    """A listener that waits."""
    async with listening(PATIENT) as listener:
        yield listener


@pytest.fixture
async def hasty() -> AsyncIterator[Listener]:
    """A listener that does not."""
    async with listening(HASTY) as listener:
        yield listener


def request(*lines: str, body: str = "") -> bytes:
    """A POST."""
    text = "\r\n".join(("POST /token HTTP/1.1", "Host: service", *lines))
    return f"{text}\r\n\r\n{body}".encode("latin-1")


async def test_an_ordinary_request_is_answered_again_and_again(patient: Listener):
    """Keep-alive, chunks and pipelining work as ever."""
    async with patient.connection() as connection:
        for _ in range(2):
            await connection.send(request("Content-Length: 3", body="abc"))
            status, content = await connection.answer()
            assert (status, content["length"]) == (200, 3)
        await connection.send(request("Content-Length: 3", body="abc") * 2)
        assert [(await connection.answer())[1]["length"] for _ in range(2)] == [3, 3]
        chunks = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        await connection.send(request("Transfer-Encoding: chunked", body=chunks))
        assert (await connection.answer())[1]["length"] == 5


@pytest.mark.parametrize("size", [10, 100_000])
async def test_a_body_is_no_head(patient: Listener, size: int):
    """A body is as long as the endpoint lets it be; here nobody limits it."""
    async with patient.connection() as connection:
        await connection.send(request(f"Content-Length: {size}", body="x" * size))
        assert (await connection.answer())[1]["length"] == size


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * 5_000 + b" HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 5_000,
        b"GET / HTTP/1.1\r\n" + b"x" * 5_000,
        b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 3_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 5_000 + b"\r\n\r\n",
    ],
    ids=["target", "endless value", "endless name", "many headers", "whole head"],
)
@pytest.mark.parametrize("pieces", [1, 7])
async def test_a_head_that_is_too_large_is_refused(patient: Listener, head: bytes, pieces: int):
    """Wherever the bytes are, and however they come: 431, and the connection ends."""
    step = len(head) // pieces + 1
    async with patient.connection() as connection:
        for start in range(0, len(head), step):
            connection.writer.write(head[start : start + step])
        assert await connection.answer() == (431, REFUSAL)
        assert await connection.is_ended()


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n\r\n",
        b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        request("Content-Length: 3", "Transfer-Encoding: chunked", body="0\r\n\r\n"),
        request("Transfer-Encoding: chunked, identity", body="0\r\n\r\n"),
        request("Transfer-Encoding : chunked", body="0\r\n\r\n"),
        b"POST /token HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        b"POST /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
    ids=[
        "no HTTP", "length", "two lengths", "length and chunks", "two encodings", "space",
        "folded", "bytes in target",
    ],
)  # fmt: skip
async def test_a_malformed_head_is_refused(patient: Listener, sent: bytes):
    """What two parsers could read in two ways is read by none (RFC 9112 6.3, 11.2)."""
    async with patient.connection() as connection:
        await connection.send(sent)
        assert await connection.answer() == (400, REFUSAL)
        assert await connection.is_ended()


async def test_trailers_are_refused(patient: Listener):
    """A header after the body would reach whoever trusts a proxy to have removed it."""
    body = "1\r\na\r\n0\r\nClient-Cert: forged\r\n\r\n"
    async with patient.connection() as connection:
        await connection.send(request("Transfer-Encoding: chunked", body=body))
        assert await connection.answer() == (400, REFUSAL)
        assert await connection.is_ended()


async def test_a_silent_connection_ends(hasty: Listener):
    """Nobody who says nothing keeps a connection, and nothing is answered to nothing."""
    async with hasty.connection() as connection:
        assert await connection.is_ended()


@pytest.mark.parametrize("sent", [b"POST /tok", b"GET / HTTP/1.1\r\nHost: a\r\n", b"\r\n"])
async def test_a_slow_head_is_told_so(hasty: Listener, sent: bytes):
    """A head that does not end in time: 408, and the connection ends."""
    async with hasty.connection() as connection:
        await connection.send(sent)
        assert await connection.answer() == (408, REFUSAL)
        assert await connection.is_ended()


async def test_a_second_head_has_its_own_time(hasty: Listener):
    """Also one that only dribbles empty lines after an answered request."""
    async with hasty.connection() as connection:
        await connection.send(request("Content-Length: 0"))
        assert (await connection.answer())[0] == 200
        await connection.send(b"\r\n")
        assert await connection.answer() == (408, REFUSAL)


async def test_a_message_that_never_ends_is_dropped(hasty: Listener):
    """Whatever waits for the body learns that the client has gone."""
    async with hasty.connection() as connection:
        await connection.send(request("Content-Length: 9", body="abc"))
        assert await connection.is_ended()


async def test_one_connection_too_many_is_dropped(patient: Listener):
    """Those that were there first go on."""
    connections = [
        await asyncio.open_connection("127.0.0.1", patient.port) for _ in range(PATIENT.connections)
    ]
    first = Connection(*connections[0])
    await first.send(request("Content-Length: 0"))
    assert (await first.answer())[0] == 200
    async with patient.connection() as one_more:
        assert await one_more.is_ended()
    await first.send(request("Content-Length: 0"))
    assert (await first.answer())[0] == 200
    for _, writer in connections:
        writer.close()
