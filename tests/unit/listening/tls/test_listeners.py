"""The server begins everywhere or nowhere."""

import asyncio
import socket
from typing import Any

import pytest
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from ciba_service.listening.listeners import Listener, ListeningServer, bound_socket
from ciba_service.listening.peer import Peer, peer_certificates, peer_of, scope_with_peer


class Application:
    """It remembers its lifespan."""

    def __init__(self, beginning: str) -> None:
        self.beginning = beginning
        self.messages: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Live."""
        assert scope["type"] == "lifespan"
        self.messages.append((await receive())["type"])
        await send({"type": self.beginning})
        if self.beginning.endswith("complete"):
            self.messages.append((await receive())["type"])
            await send({"type": "lifespan.shutdown.complete"})


def server(app: Application, *sockets: socket.socket) -> ListeningServer:
    """A server for these sockets."""
    config = uvicorn.Config(app, log_config=None, lifespan="on")  # type: ignore[arg-type]
    return ListeningServer(config, [Listener(each) for each in sockets])


async def test_an_application_that_does_not_begin_is_not_served():
    """The sockets are never listened on."""
    listener = socket.create_server(("127.0.0.1", 0))
    app = Application("lifespan.startup.failed")
    with listener, pytest.raises(SystemExit):
        await server(app, listener).serve()
    assert app.messages == ["lifespan.startup"]


async def test_a_socket_that_cannot_be_listened_on_stops_all_others():
    """The application is told, and the socket that already listened is closed."""
    good, used = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    used.close()
    app = Application("lifespan.startup.complete")
    address = good.getsockname()
    with pytest.raises(OSError, match="Bad file descriptor"):
        await server(app, good, used).serve()
    assert app.messages == ["lifespan.startup", "lifespan.shutdown"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=1)


class Accepting(asyncio.Protocol):
    """Counts connections."""

    def __init__(self, accepted: list[asyncio.BaseTransport]) -> None:
        self.accepted = accepted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """One more."""
        self.accepted.append(transport)


def test_several_connections_are_accepted_in_each_round_of_the_loop(
    monkeypatch: pytest.MonkeyPatch,
):
    """A loop whose rounds are long would else let those who connect wait for many of them."""
    bound = bound_socket("127.0.0.1", 0, backlog=32)
    address = bound.getsockname()
    accepted: list[asyncio.BaseTransport] = []
    app = Application("lifespan.startup.complete")
    one = server(app, bound)
    monkeypatch.setattr(one, "_protocol", lambda _: Accepting(accepted))

    async def rounds() -> int:
        one.config.load()
        one.lifespan = one.config.lifespan_class(one.config)
        await one.startup()
        peers = [socket.create_connection(address, timeout=10) for _ in range(16)]
        number = 0
        while len(accepted) < len(peers):
            await asyncio.sleep(0)
            number += 1
        for each in (*peers, *accepted):
            each.close()
        for listening in one.servers:
            listening.close()
        await one.lifespan.shutdown()
        return number

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(rounds()) < 12
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=1)


@pytest.mark.parametrize("scope", [{}, {"state": {}}, {"state": {"other": 1}}])
def test_of_another_server_nothing_is_known(scope: dict[str, Any]):
    """Mounted elsewhere, or called in memory: no certificate, and that is no error."""
    assert peer_of(scope) == Peer()
    assert peer_certificates(scope) == ()


def test_what_is_known_cannot_be_mistaken():
    """Something else under the same name is a defect, not a peer."""
    known = scope_with_peer({"type": "http"}, Peer((b"der",)))
    assert peer_certificates(known) == (b"der",)
    assert "der" not in repr(peer_of(known))
    [name] = known["state"]
    with pytest.raises(TypeError):
        peer_of({"state": {name: (b"der",)}})
