"""How ``serve`` ends: seen first, then waiting for nobody longer than it must."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send
from websockets.asyncio.client import connect

from ciba_service.commands.serving import signalled_server
from ciba_service.commands.serving.serve import server_config
from ciba_service.commands.serving.signalled_server import SignalledServer
from ciba_service.listening.listeners import Listener, bound_socket
from ciba_service.settings import ServerSettings
from tests.services.running_service import PLAIN, RunningService


@dataclass
class Application:
    """Answers at once, or, at /slow, never; it notes what becomes of it."""

    happened: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Nothing keeps it from its end, unless the test says so."""
        self.may_end.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4400})
            return
        if scope["path"] == "/slow":
            self.asked.set()
            await asyncio.Event().wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def _live(self, receive: Receive, send: Send) -> None:
        for _ in range(2):
            message: Message = await receive()
            self.happened.append(message["type"])
            if message["type"] == "lifespan.shutdown":
                self.left.set()
                await self.may_end.wait()
            await send({"type": f"{message['type']}.complete"})


@dataclass
class Leaving:
    """A server under test."""

    server: SignalledServer
    serving: asyncio.Task[None]
    app: Application
    http: httpx2.AsyncClient
    drained: asyncio.Event
    at_last: list[Callable[[], None]]
    """What happens when it leaves, and has not looked what arrived meanwhile."""

    def told(self) -> None:
        """It is told to end."""
        self.server.handle_exit(signal.SIGTERM, None)


@asynccontextmanager
async def leaving(drain_seconds: float) -> AsyncIterator[Leaving]:
    """A server that serves, on signals that the test sends it."""
    listener = Listener(bound_socket("127.0.0.1", 0, backlog=16))
    issuer = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
    app, drained = Application(), asyncio.Event()
    at_last: list[Callable[[], None]] = []

    def left() -> None:
        app.happened.append("leaving")
        for each in at_last:
            each()

    def draining() -> None:
        app.happened.append("draining")
        drained.set()

    server = SignalledServer(
        server_config(app, ServerSettings(issuer=issuer)),
        [listener],
        draining=draining,
        drain_seconds=drain_seconds,
        leaving=left,
        hung_up=partial(app.happened.append, "hung up"),
    )
    serving = asyncio.create_task(server._serve())
    async with httpx2.AsyncClient(base_url=issuer, verify=PLAIN) as http, asyncio.timeout(20):
        assert (await http.get("/", timeout=10)).status_code == 204
        yield Leaving(server, serving, app, http, drained, at_last)
    listener.socket.close()


async def test_it_serves_on_while_it_is_seen_to_leave():
    """Draining comes first, and what comes meanwhile is answered; a second signal ends it."""
    async with leaving(300) as place:
        place.told()
        await place.drained.wait()
        assert (await place.http.get("/")).status_code == 204
        assert "leaving" not in place.app.happened
        place.told()
        await place.serving
    assert place.app.happened == ["lifespan.startup", "draining", "leaving", "lifespan.shutdown"]


async def test_what_has_arrived_by_then_is_answered():
    """On a connection that looked idle, and by whoever had just connected: nothing is cut off."""
    async with leaving(0) as place:
        port = place.http.base_url.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        known = writer.get_extra_info("socket")

        def ask() -> None:
            newcomer = socket.create_connection(("127.0.0.1", port))
            for each in (known, newcomer):
                os.write(each.fileno(), b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            late.append(newcomer)

        late: list[socket.socket] = []
        place.at_last.append(ask)
        place.told()
        await place.serving
        assert (await reader.readline()).startswith(b"HTTP/1.1 204")
        writer.close()
        (newcomer,) = late
        assert newcomer.recv(100).startswith(b"HTTP/1.1 204")
        newcomer.close()


async def test_connections_end_one_by_one_while_it_is_seen_to_leave():
    """With an answer, so that none is closed under whoever is just asking; new ones are taken."""
    async with leaving(300) as place:
        assert "connection" not in (await place.http.get("/")).headers
        place.told()
        await place.drained.wait()
        for _ in range(2):
            assert (await place.http.get("/")).headers["connection"] == "close"
        url = f"ws{str(place.http.base_url).removeprefix('http')}"
        async with connect(url) as socket:
            assert socket.response is not None
            assert socket.response.headers.get_all("connection") == ["Upgrade"]
            await socket.wait_closed()
        assert socket.close_code == 4400
        place.told()
        await place.serving


async def test_whoever_is_connected_when_it_closes_is_answered():
    """Though nobody had taken the connection yet; the next one finds nobody."""
    async with leaving(300) as place:
        address = ("127.0.0.1", place.http.base_url.port)
        with socket.create_connection(address) as waiting:  # the kernel's work, not the server's
            waiting.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await place.server.stop_listening()
            waiting.settimeout(10)
            assert waiting.recv(4096).startswith(b"HTTP/1.1 204 ")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        place.told()
        place.told()
        await place.serving


async def test_without_a_wait_it_leaves_at_once():
    """In the same order, and the lifespan ends as it should."""
    async with leaving(0) as place:
        place.told()
        await place.serving
    assert place.app.happened == ["lifespan.startup", "draining", "leaving", "lifespan.shutdown"]


async def test_told_twice_it_waits_for_no_request():
    """A request that never ends holds up the first signal, and not the second."""
    async with leaving(0) as place:
        slow = asyncio.create_task(place.http.get("/slow"))
        await place.app.asked.wait()
        place.told()
        await place.drained.wait()
        place.told()
        await place.serving
        slow.cancel()
        await asyncio.wait({slow})
    assert place.app.happened[-1] == "lifespan.shutdown"


async def test_told_twice_it_waits_for_nothing_behind_it():
    """What stands behind the application may hang; then the second signal ends it all the same."""
    async with leaving(0) as place:
        place.app.may_end.clear()
        place.told()
        await place.app.left.wait()
        place.told()
        await place.serving
        place.app.may_end.set()


async def test_it_ends_though_what_stands_behind_it_does_not(monkeypatch: pytest.MonkeyPatch):
    """Whoever manages processes is not to wait for one that hangs."""
    monkeypatch.setattr(signalled_server, "_LEAVING_SECONDS", 0.5)
    async with leaving(0) as place:
        place.app.may_end.clear()
        place.told()
        await place.serving
        assert place.app.happened[-1] == "lifespan.shutdown"
        place.app.may_end.set()


@pytest.mark.parametrize("path", ["/readyz", "/healthz"])
async def test_who_is_draining_is_alive_and_not_ready(service: RunningService, path: str):
    """Whatever is in front sends it nothing new, and nobody restarts it."""
    service.service.drain()
    answer = await service.http.get(path)
    if path == "/readyz":
        assert answer.status_code == 503
        assert answer.json() == {"status": "not ready", "missing": "draining"}
    else:
        assert answer.status_code == 200
    assert (await service.http.get("/jwks")).status_code == 200
