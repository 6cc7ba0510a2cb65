"""A client's notification endpoint: real TLS, and whatever answer a test wants."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Self

from cryptography import x509

from tests.unit.channels.outbound.far_ends import (
    FarEnd,
    ca_file,
    far_end,
    head_of,
    server_certificate,
    server_context,
)

ADDRESS = "127.0.0.1"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True)
class Received:
    """A notification as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Take a request apart."""
        head, _, body = data.partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        pairs = (field.partition(": ") for field in fields)
        return cls(line, {name.lower(): value for name, _, value in pairs}, body)

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@dataclass
class CallbackEndpoint:
    """Answers in the order of ``answers``, the last one for ever; None breaks the connection.

    While ``may_answer`` is not set, whatever arrives waits for that, and is then broken off.
    """

    answers: list[bytes | None] = field(default_factory=lambda: [NO_CONTENT])
    received: list[Received] = field(default_factory=list)
    arrivals: asyncio.Queue[Received] = field(default_factory=asyncio.Queue)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    server: FarEnd | None = None

    def __post_init__(self) -> None:
        self.may_answer.set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        while data := await head_of(reader):
            arrived = Received.parse(data)
            self.received.append(arrived)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer is None:
                self.arrivals.put_nowait(arrived)
                return
            if not self.may_answer.is_set():
                self.arrivals.put_nowait(arrived)
                await self.may_answer.wait()
                return
            writer.write(answer)
            await writer.drain()
            self.arrivals.put_nowait(arrived)

    async def next(self) -> Received:
        """The next notification."""
        async with asyncio.timeout(10):
            return await self.arrivals.get()

    @property
    def url(self) -> str:
        """Where it is."""
        assert self.server is not None
        return self.server.url("/ciba-notification", host=ADDRESS)


@asynccontextmanager
async def callback_endpoint(directory: Path) -> AsyncIterator[CallbackEndpoint]:
    """Serve one on this machine; ``outbound_section`` is what the service needs to reach it."""
    endpoint = CallbackEndpoint()
    certificate = server_certificate(names=[x509.IPAddress(IPv4Address(ADDRESS))])
    async with far_end(endpoint, server_context(directory, certificate)) as server:
        endpoint.server = server
        yield endpoint


def outbound_section(directory: Path) -> dict[str, Any]:
    """The authority of the endpoint's certificate, and this machine as one that may be asked."""
    return {"ca_bundle": ca_file(directory), "allowed_networks": [ADDRESS]}


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    """An HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
