"""An ASGI application on an address of this computer, for as long as one command runs."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ciba_client.client_file import UnusableInput

__all__ = [
    "TRANSPORT",
    "ListeningAddress",
    "ListeningTls",
    "listening",
    "parse_any_address",
    "parse_listening_address",
]

# Where an application finds the connection of its request: an integrator may wish to break it.
TRANSPORT: Final = "ciba_client.transport"
_MOST_CONNECTIONS: Final = 100
_LARGEST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class ListeningAddress:
    """An address and a port, 0 for a free one."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ListeningTls:
    """Files (PEM) with a server's certificate and its key."""

    certificate: str
    key: str | None


def parse_listening_address(text: str) -> ListeningAddress:
    """Read ``HOST:PORT``; raises ``ValueError`` for what is none, or not on loopback."""
    address = _parse(text)
    if not ipaddress.ip_address(address.host).is_loopback:
        raise ValueError("must be an address of this computer alone")
    return address


def parse_any_address(text: str) -> ListeningAddress:
    """Read ``HOST:PORT``, where HOST may be one that others reach.

    Raises:
        UnusableInput: it is none.
    """
    try:
        return _parse(text)
    except ValueError as error:
        raise UnusableInput(f"{text}: {error}") from error


def _parse(text: str) -> ListeningAddress:
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= _LARGEST_PORT):
        raise ValueError("must be HOST:PORT")
    host = host.removeprefix("[").removesuffix("]")
    if host == "localhost":
        host = "127.0.0.1"
    ipaddress.ip_address(host)
    return ListeningAddress(host, int(port))


@asynccontextmanager
async def listening(
    app: ASGIApp, address: ListeningAddress, *, tls: ListeningTls | None = None
) -> AsyncIterator[str]:
    """Serve an application meanwhile; yields its URL.

    Raises:
        UnusableInput: the port cannot be opened.
    """
    with _open(address) as listener:
        server = _QuietServer(
            uvicorn.Config(
                app,
                http=_KnownConnection,
                access_log=False,
                log_config=None,
                log_level="error",
                lifespan="off",
                ws="none",
                limit_concurrency=_MOST_CONNECTIONS,
                timeout_graceful_shutdown=1,
                ssl_certfile=None if tls is None else tls.certificate,
                ssl_keyfile=None if tls is None else tls.key,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        host = f"[{address.host}]" if ":" in address.host else address.host
        try:
            scheme = "http" if tls is None else "https"
            yield f"{scheme}://{host}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


def _open(address: ListeningAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        raise UnusableInput(
            f"{address.host}:{address.port} cannot be opened: {error.strerror}"
        ) from error


class _QuietServer(uvicorn.Server):
    """Leaves the signals to the command that runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _KnownConnection(HttpToolsProtocol):
    """Puts the connection where uvicorn takes the state of each request from."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the connection."""
        self.app_state = {**self.app_state, TRANSPORT: transport}
        super().connection_made(transport)
