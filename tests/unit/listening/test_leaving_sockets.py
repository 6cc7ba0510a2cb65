"""The end of a server, for whoever holds a WebSocket."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from ciba_service.listening.bounded_websocket import BoundedWebSocket


class Wire(asyncio.Transport):
    """A connection that remembers what was written and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_closed = False
        self.answered = asyncio.Event()

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.written += bytes(data)
        self.answered.set()

    def close(self) -> None:
        """So it is; nobody has noticed yet."""
        self.is_closed = True

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


async def opened() -> tuple[BoundedWebSocket, Wire, ClientProtocol]:
    """A WebSocket that is open on both sides."""
    config = uvicorn.Config(accepting, ws="none", log_config=None)
    config.load()
    server, wire = BoundedWebSocket(config, ServerState(), {}), Wire()
    server.connection_made(wire)
    client = ClientProtocol(parse_uri("ws://127.0.0.1/"))
    client.send_request(client.connect())
    server.data_received(b"".join(client.data_to_send()))
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
