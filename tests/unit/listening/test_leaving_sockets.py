"""The end of a server, and of a WebSocket, at an unusual moment."""

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from ciba_service.listening.bounded_websocket import BoundedWebSocket


class Wire(asyncio.Transport):
    """A connection that remembers what was written and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_closed = self.is_aborted = False
        self.answered = asyncio.Event()

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.written += bytes(data)
        self.answered.set()

    def close(self) -> None:
        """So it is; nobody has noticed yet."""
        self.is_closed = True

    def abort(self) -> None:
        """So it is, with whatever waits."""
        self.is_closed = self.is_aborted = True

    def pause_reading(self) -> None:
        """Nothing is read anyway."""

    def resume_reading(self) -> None:
        """Nothing is read anyway."""

    def is_closing(self) -> bool:
        """As the event loop says it."""
        return self.is_closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Of a connection on this machine."""
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)}.get(name, default)


async def accepting(_: dict[str, Any], receive: Any, send: Any) -> None:
    """Accept, and wait until it is over."""
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


def asked() -> tuple[BoundedWebSocket, Wire, ClientProtocol]:
    """A WebSocket that the client has asked for; the application has not said a word."""
    config = uvicorn.Config(accepting, ws="none", log_config=None)
    config.load()
    server, wire = BoundedWebSocket(config, ServerState(), {}), Wire()
    server.connection_made(wire)
    client = ClientProtocol(parse_uri("ws://127.0.0.1/"))
    client.send_request(client.connect())
    server.data_received(b"".join(client.data_to_send()))
    return server, wire, client


async def opened() -> tuple[BoundedWebSocket, Wire, ClientProtocol]:
    """A WebSocket that is open on both sides."""
    server, wire, client = asked()
    await wire.answered.wait()
    client.receive_data(wire.written)
    wire.written = b""
    return server, wire, client


async def test_an_open_socket_is_told_that_the_server_ends():
    """By its code (RFC 6455 7.4, docs/device-protocol.md)."""
    server, wire, client = await opened()
    server.shutdown()
    client.receive_data(wire.written)
    assert client.close_rcvd is not None
    assert client.close_rcvd.code == 1012
    assert wire.is_closed


async def test_a_socket_that_is_just_going_does_not_stop_the_server_from_ending():
    """It has said so, its connection is not gone yet, and there is nothing more to tell it."""
    server, wire, client = await opened()
    client.send_close(1000)
    server.data_received(b"".join(client.data_to_send()))
    server.shutdown()
    assert wire.is_closed


@pytest.mark.parametrize(
    "sent", [b"\xff" * 16, Frame(Opcode.TEXT, b"\xff").serialize(mask=True)], ids=["frame", "text"]
)
async def test_who_breaks_the_protocol_before_it_is_let_in_is_gone_at_once(sent: bytes):
    """There is nothing to say in a WebSocket that is not open."""
    server, wire, _ = asked()
    server.data_received(sent)
    assert wire.is_closed
    assert wire.written == b""
    server.connection_lost(None)
    await next(iter(server.tasks))


async def test_what_is_said_to_who_broke_the_protocol_is_for_nobody():
    """The application learns that its peer is gone, whatever it was about to say."""
    server, wire, client = await opened()
    server.data_received(b"\xff" * 16)
    client.receive_data(wire.written)
    assert client.close_rcvd is not None
    assert client.close_rcvd.code == 1002
    with pytest.raises(ClientDisconnected):
        await server.send({"type": "websocket.send", "text": "late"})


async def test_nothing_is_kept_of_a_socket_that_has_gone():
    """Neither its task, nor a time for last words that nobody waits for."""
    server, wire, client = await opened()
    server.farewell_seconds = 0  # type: ignore[misc] # of this one
    (task,) = server.tasks
    client.send_close(1000)
    server.data_received(b"".join(client.data_to_send()))
    await task
    await asyncio.sleep(0)
    server.connection_lost(None)
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(0, over.set)
    await over.wait()
    assert not server.tasks
    assert not wire.is_aborted


async def test_bytes_need_not_be_text():
    """Only text has to be UTF-8 (RFC 6455 5.6)."""
    server, wire, client = await opened()
    client.send_binary(b"\xff")
    server.data_received(b"".join(client.data_to_send()))
    assert await server.receive() == {"type": "websocket.receive", "bytes": b"\xff"}
    assert not wire.is_closed


async def test_frames_are_counted_by_the_second(monkeypatch: pytest.MonkeyPatch):
    """A phone that stays for days is not stopped by all it ever sent."""
    server, wire, client = await opened()
    loop, now = asyncio.get_running_loop(), 1_000.0
    monkeypatch.setattr(loop, "time", lambda: now)
    for number in (256, 64):
        for _ in range(number):
            client.send_ping(b"?")
        server.data_received(b"".join(client.data_to_send()))
        assert not wire.is_closed
        now += 1
    for _ in range(65):
        client.send_ping(b"?")
    server.data_received(b"".join(client.data_to_send()))
    assert wire.is_closed
