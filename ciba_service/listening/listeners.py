"""One application on several sockets, each with TLS of its own, in one server with one lifespan."""

import asyncio
import socket
import ssl
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE

__all__ = ["Listener", "ListeningServer", "bound_socket"]

# A peer that is silent in its handshake, or does not answer close_notify, is left after these.
_HANDSHAKE_SECONDS: Final = 10.0
_CLOSING_SECONDS: Final = 3.0
# uvloop accepts one connection of a socket in each round of the loop, however many there are: when
# it is busy, whoever connects would wait for seconds. It does so for each descriptor of a socket.
_ACCEPTED_AT_ONCE: Final = 4
# What was sent on a connection is read within this.
_READING_SECONDS: Final = 0.1


def bound_socket(host: str, port: int, *, backlog: int) -> socket.socket:
    """A socket that listens there, and whose connections send without delay.

    asyncio leaves Nagle's algorithm on for sockets that ``socket.create_server`` made: each answer
    on a kept connection would then wait for the peer's delayed acknowledgement, 40 ms. What is
    accepted has the options of what it was accepted from.

    Raises:
        OSError, UnicodeError: when nobody can listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.create_server((host, port), family=family, backlog=backlog)
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket and its TLS; ``None`` is for a proxy on the same machine, or development.

    ``config`` is for a listener with an application of its own, which has no lifespan.
    """

    socket: socket.socket
    tls: ssl.SSLContext | None = None
    config: uvicorn.Config | None = None


class ListeningServer(uvicorn.Server):
    """uvicorn's server, which itself knows one TLS context only.

    Connections, limits, lifespan and the end are shared by all listeners; their sockets are
    closed at the end. The TLS settings of ``config`` are not used.
    """

    def __init__(self, config: uvicorn.Config, listeners: Sequence[Listener]) -> None:
        super().__init__(config)
        self._listeners = tuple(listeners)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - as uvicorn has it
        """Begin the lifespan, then listen everywhere or nowhere.

        Raises:
            SystemExit: when the lifespan does not begin, as uvicorn does.
            OSError: when a socket cannot be listened on.
        """
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        self.servers = []
        try:
            for listener in self._listeners:
                self.servers.append(await self._listen(listener, listener.socket))
                for _ in range(_ACCEPTED_AT_ONCE - 1):
                    self.servers.append(await self._listen(listener, listener.socket.dup()))
        except OSError:
            await self._give_up()
            raise
        self.started = True

    async def stop_listening(self) -> None:
        """Listen no more, and still serve whoever is connected to a listener without TLS.

        A socket that is closed resets those in its queue, who may have sent a request: a proxy in
        front cannot make it again, for it cannot know that nobody read it.
        """
        listeners, self._listeners = self._listeners, ()
        queues = [(each, each.socket.dup()) for each in listeners if each.tls is None]
        for server in self.servers:
            server.close()
        waiting = []
        for listener, queue in queues:
            with queue:
                waiting += [self._taken(listener, each) for each in _accepted(queue)]
        await asyncio.gather(*waiting)
        await asyncio.sleep(_READING_SECONDS)

    async def _taken(self, listener: Listener, connection: socket.socket) -> None:
        config = listener.config or self.config
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(partial(self._protocol, config), connection)

    async def _listen(self, listener: Listener, bound: socket.socket) -> asyncio.base_events.Server:
        loop = asyncio.get_running_loop()
        config = listener.config or self.config
        if not config.loaded:
            config.load()
        limited = listener.tls is not None
        is_unix = listener.socket.family == socket.AF_UNIX
        create = loop.create_unix_server if is_unix else loop.create_server
        return await create(
            partial(self._protocol, config),
            sock=bound,
            ssl=listener.tls,
            backlog=self.config.backlog,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if limited else None,
            ssl_shutdown_timeout=_CLOSING_SECONDS if limited else None,
        )

    def _protocol(self, config: uvicorn.Config) -> asyncio.Protocol:
        return config.http_protocol_class(  # type: ignore[call-arg] # uvicorn's protocols
            config=config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def _give_up(self) -> None:
        for server in self.servers:
            server.close()
        for listener in self._listeners:
            listener.socket.close()
        await self.lifespan.shutdown()


def _accepted(queue: socket.socket) -> Iterator[socket.socket]:
    """Everybody in the queue of a listening socket."""
    queue.settimeout(0)
    with suppress(BlockingIOError):
        while True:
            connection, _ = queue.accept()
            connection.settimeout(0)
            yield connection
