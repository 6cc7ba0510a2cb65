"""Small servers of the phone, on the loopback address only."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from authenticator_sim.errors import UsageError

__all__ = ["listen_on_localhost", "listen_on_loopback", "serve_on_loopback"]

_MAX_REQUESTS = 100
_IPV6: Final = "::1"
_FREE_PORTS_TRIED: Final = 8


def listen_on_loopback(port: int, host: str = "127.0.0.1") -> socket.socket:
    """Open a port, 0 for a free one; raises ``UsageError`` when it is taken.

    Another ``host`` is for containers, whose port is published on the loopback address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError, UnicodeError) as error:
        raise UsageError(f"Port {port} of this machine cannot be opened.") from error


def listen_on_localhost(port: int) -> tuple[socket.socket, ...]:
    """Open a port, 0 for a free one, of every address that ``localhost`` is; raises ``UsageError``.

    Browsers try ``[::1]`` first: whoever else had the port there, another account of this machine
    for instance, would be the same origin to them as what listens on 127.0.0.1.
    """
    if not _has_ipv6():
        return (listen_on_loopback(port),)
    for _ in range(_FREE_PORTS_TRIED if port == 0 else 1):
        first = listen_on_loopback(port)
        try:
            return first, listen_on_loopback(first.getsockname()[1], _IPV6)
        except UsageError:
            first.close()
    raise UsageError(f"Port {port} of this machine cannot be opened on [{_IPV6}].")


def _has_ipv6() -> bool:
    try:
        socket.create_server((_IPV6, 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


async def serve_on_loopback(app: ASGIApp, *listeners: socket.socket) -> None:
    """Serve until cancelled, then close the listeners."""
    server = _QuietServer(
        uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            log_level="error",
            server_header=False,
            lifespan="off",
            ws="none",
            limit_concurrency=_MAX_REQUESTS,
            timeout_graceful_shutdown=1,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=list(listeners)))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving
        for listener in listeners:
            listener.close()


class _QuietServer(uvicorn.Server):
    """Leaves the signals to the command that runs the phone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
