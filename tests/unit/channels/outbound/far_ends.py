"""Servers that the service asks: real sockets, real TLS, and whatever behaviour a test needs."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ciba_service.channels.outbound import OutboundLimits, outbound_context
from ciba_service.channels.outbound.client import OutboundClient
from ciba_service.channels.outbound.failure import NoAnswer
from ciba_service.ports.outbound import (
    FailureReason,
    OutboundFailure,
    OutboundMethod,
    OutboundRequest,
    OutboundResponse,
)
from ciba_service.protocol.outbound.addresses import AddressPolicy
from tests.unit.listening.tls.listeners import ALWAYS, authority, write_pem
from tests.unit.protocol.client.certificates.authority import (
    Extension,
    alternative,
    common_name,
    key,
)

HOST = "keys.till.example"
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def server_certificate(
    *,
    host: str = HOST,
    signer: str = "servers",
    days: tuple[float, float] = ALWAYS,
    names: Sequence[x509.GeneralName] | None = None,
    others: Sequence[Extension] = (),
) -> x509.Certificate:
    """A certificate for a host; ``names`` replaces the alternative names."""
    wanted = [x509.DNSName(host)] if names is None else names
    extensions = [alternative(*wanted)] if wanted else []
    return authority(signer).issue(
        common_name(host), key(owner="far"), extensions=[*extensions, *others], days=days
    )


@cache
def ca_file(directory: Path) -> str:
    """The authority that signed the servers' certificates."""
    file = directory / "ca.pem"
    file.write_bytes(authority().certificate.public_bytes(Encoding.PEM))
    return str(file)


def server_context(directory: Path, certificate: x509.Certificate) -> ssl.SSLContext:
    """The server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write_pem(directory, "far", [certificate], key(owner="far")))
    return context


async def head_of(reader: asyncio.StreamReader) -> bytes:
    """The head of a request and its body; empty when there is no further request."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            head += await reader.readexactly(int(line.partition(b":")[2]))
    return head


def answering(answer: bytes) -> Behaviour:
    """Give the same answer to every request."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await head_of(reader):
            writer.write(answer)
            await writer.drain()

    return behave


@dataclass
class FarEnd:
    """One server, and what it saw."""

    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    sockets: list[ssl.SSLObject] = field(default_factory=list)

    def url(self, path: str = "/", host: str = HOST, scheme: str = "https") -> str:
        """A URL of this server."""
        return f"{scheme}://{host}:{self.port}{path}"


@asynccontextmanager
async def far_end(
    behaviour: Behaviour, context: ssl.SSLContext | None, *, address: str = "127.0.0.1"
) -> AsyncIterator[FarEnd]:
    """Run a server in this event loop."""
    far = FarEnd(port=0)
    tasks = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far.connections += 1
        if (task := asyncio.current_task()) is not None:
            tasks.add(task)
        if (tls := writer.get_extra_info("ssl_object")) is not None:
            far.sockets.append(tls)
        read = reader.readuntil

        async def recorded(separator: bytes = b"\n") -> bytes:
            data = await read(separator)
            far.requests.append(data)
            return data

        reader.readuntil = recorded  # type: ignore[method-assign, assignment]
        try:
            with suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError):
                await behaviour(reader, writer)
        finally:
            writer.transport.abort()

    if context is not None:
        context.sni_callback = lambda _socket, name, _context: far.names.append(name)
    server = await asyncio.start_server(serve, address, 0, ssl=context)
    far.port = server.sockets[0].getsockname()[1]
    try:
        yield far
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Names:
    """``Resolver`` with answers by name; each is given in turn, the last one for ever."""

    answers: dict[str, list[tuple[str, ...]]] = field(
        default_factory=lambda: {HOST: [("127.0.0.1",)]}
    )
    asked: list[str] = field(default_factory=list)

    async def addresses(self, host: str) -> tuple[str, ...]:
        """The next answer."""
        self.asked.append(host)
        answers = self.answers.get(host)
        if not answers:
            raise NoAnswer(FailureReason.UNRESOLVABLE, f"{host} has no address")
        return answers.pop(0) if len(answers) > 1 else answers[0]


@dataclass
class Door:
    """The service's side, and how to ask."""

    client: OutboundClient
    names: Names

    async def fetch(
        self, url: str, *, deadline: float = 5, maximum_body: int = 65_536
    ) -> OutboundResponse | OutboundFailure:
        """Ask for a document."""
        request = OutboundRequest(
            method=OutboundMethod.GET,
            url=url,
            accept="application/json",
            deadline=deadline,
            maximum_body=maximum_body,
        )
        return await self.client.send(request)

    async def failure(self, url: str, *, deadline: float = 5) -> FailureReason:
        """Ask, and expect none."""
        result = await self.fetch(url, deadline=deadline)
        assert isinstance(result, OutboundFailure), result
        return result.reason

    async def notify(self, url: str) -> OutboundResponse | OutboundFailure:
        """Send a callback."""
        return await self.client.send(
            OutboundRequest.notify(
                url, authorization="Bearer token-of-the-till", body=b"{}", deadline=10
            )
        )


class Street:
    """Opens doors and far ends, and closes them at the end of a test."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.stack = AsyncExitStack()

    def door(
        self,
        *,
        allowed: Sequence[str] = ("127.0.0.0/8", "::1"),
        ca_bundle: str | None = "",
        certificate: tuple[str, str] | None = None,
        names: Names | None = None,
        allow_loopback_http: bool = False,
        limits: OutboundLimits | None = None,
    ) -> Door:
        """The service; it trusts the authority of the far ends unless another one is given."""
        bundle = ca_file(self.directory) if ca_bundle == "" else ca_bundle
        file, own_key = certificate or (None, None)
        names = names or Names()
        client = OutboundClient(
            tls=outbound_context(ca_bundle=bundle, certificate=file, key=own_key),
            resolver=names,
            policy=AddressPolicy.parse(allowed),
            allow_loopback_http=allow_loopback_http,
            limits=limits,
        )
        self.stack.push_async_callback(client.aclose)
        return Door(client, names)

    async def far_end(
        self,
        behaviour: Behaviour | bytes = JSON,
        certificate: x509.Certificate | None = None,
        *,
        tls: bool = True,
        address: str = "127.0.0.1",
    ) -> FarEnd:
        """A server, by default with a certificate that is right."""
        context = server_context(self.directory, certificate or server_certificate())
        return await self.stack.enter_async_context(
            far_end(
                answering(behaviour) if isinstance(behaviour, bytes) else behaviour,
                context if tls else None,
                address=address,
            )
        )

    async def far_end_with(self, context: ssl.SSLContext) -> FarEnd:
        """A server with a TLS context of its own."""
        return await self.stack.enter_async_context(far_end(answering(JSON), context))


def ip_name(address: str) -> x509.GeneralName:
    """An address as an alternative name."""
    return x509.IPAddress(ip_address(address))
