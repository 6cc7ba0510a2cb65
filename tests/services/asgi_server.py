"""An ASGI application of a client, over plain http on this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from tests.services.prompt_server import PromptServer


@asynccontextmanager
async def serving(app: ASGIApp, bound: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve it until the end of the block; yields its URL."""
    with bound or socket.create_server(("127.0.0.1", 0)) as listener:
        # asyncio does so only where a socket says that it is TCP: 40 ms of each answer.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = PromptServer(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
        running = asyncio.create_task(server._serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.end()
            await running
