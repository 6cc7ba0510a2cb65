"""Small servers of the phone, on the loopback address only."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from authenticator_sim.errors import UsageError

__all__ = ["listen_on_loopback", "serve_on_loopback"]

_MAX_REQUESTS = 100


def listen_on_loopback(port: int, host: str = "127.0.0.1") -> socket.socket:
    """Open a port, 0 for a free one; raises ``UsageError`` when it is taken.

    Another ``host`` is for containers, whose port is published on the loopback address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError, UnicodeError) as error:
        raise UsageError(f"Port {port} of this machine cannot be opened.") from error


async def serve_on_loopback(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until cancelled, then close the listener."""
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
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving
        listener.close()


class _QuietServer(uvicorn.Server):
    """Leaves the signals to the command that runs the phone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
