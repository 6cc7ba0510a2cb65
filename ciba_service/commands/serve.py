"""``ciba-service serve``: listen until told to stop, then stop cleanly."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from ciba_service.app import build_service
from ciba_service.commands.opening import open_keys, opened_store, system_surroundings
from ciba_service.commands.outcome import CommandFailed, reason
from ciba_service.listening.bounded_http import HttpBounds, http_within
from ciba_service.sca.messages import SUBPROTOCOL
from ciba_service.settings import ServerSettings, Settings

__all__ = ["serve", "server_config"]

# A device frame is at most 16 KiB (docs/device-protocol.md).
_FRAME_LIMIT: Final = 16_384
_SHUTDOWN_SECONDS: Final = 10
_BACKLOG: Final = 2_048


class _Server(uvicorn.Server):
    """uvicorn's server, ended by signals without raising them again: there is more to close."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.handle_exit, name, None)
        try:
            yield
        finally:
            for name in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(name)


def server_config(app: object, server: ServerSettings) -> uvicorn.Config:
    """How uvicorn is run: bounded heads, no access log, small frames, no compression."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type] # any ASGI application
        http=http_within(HttpBounds(connections=server.max_connections)),
        ws="websockets-sansio",
        ws_max_size=_FRAME_LIMIT,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        ssl_certfile=server.tls_certificate,
        ssl_keyfile=server.tls_key,
    )


async def serve(settings: Settings) -> None:
    """Own the store and serve until SIGTERM or SIGINT; raises ``CommandFailed``."""
    surroundings = system_surroundings()
    keys = open_keys(settings)
    async with opened_store(settings, own=True) as store:
        service = build_service(settings, store, keys, surroundings)
        listener = _listen(settings.server)
        surroundings.telemetry.event(
            "listening",
            issuer=settings.server.issuer,
            host=settings.server.host,
            port=listener.getsockname()[1],
            device_protocol=SUBPROTOCOL,
            warning=settings.exposure,
        )
        server = _Server(server_config(service.app, settings.server))
        try:
            await server.serve(sockets=[listener])
        except SystemExit as ending:  # uvicorn's way to say that the lifespan did not begin
            raise CommandFailed("the service did not start; the log says why") from ending
        finally:
            listener.close()
    surroundings.telemetry.event("stopped")


def _listen(server: ServerSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    try:
        return socket.create_server((server.host, server.port), family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        where = f"{server.host}:{server.port}"
        raise CommandFailed(f"cannot listen on {where}: {reason(error)}") from error
