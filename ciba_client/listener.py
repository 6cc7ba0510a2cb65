"""An ASGI application on a loopback address, for as long as one command runs."""

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

__all__ = ["TRANSPORT", "ListeningAddress", "listening", "parse_listening_address"]

# Where an application finds the connection of its request: an integrator may wish to break it.
TRANSPORT: Final = "ciba_client.transport"
_MOST_CONNECTIONS: Final = 100
_LARGEST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class ListeningAddress:
    """A loopback address and a port, 0 for a free one."""

    host: str
    port: int


def parse_listening_address(text: str) -> ListeningAddress:
    """Read ``HOST:PORT``; raises ``ValueError`` for what is none, or not on loopback."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= _LARGEST_PORT):
        raise ValueError("must be HOST:PORT")
    host = host.removeprefix("[").removesuffix("]")
    if host == "localhost":
        host = "127.0.0.1"
    if not ipaddress.ip_address(host).is_loopback:
        raise ValueError("must be an address of this computer alone")
    return ListeningAddress(host, int(port))


@asynccontextmanager
async def listening(app: ASGIApp, address: ListeningAddress) -> AsyncIterator[str]:
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
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        host = f"[{address.host}]" if ":" in address.host else address.host
        try:
            yield f"http://{host}:{listener.getsockname()[1]}"
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
