"""The sockets that the service listens on."""

import asyncio
import socket

from ciba_service.listening.listeners import bound_socket


async def test_answers_are_not_held_back():
    """On asyncio's loop as on any other, what is accepted sends at once (TCP_NODELAY)."""
    accepted: asyncio.Queue[int] = asyncio.Queue()

    def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own: socket.socket = writer.get_extra_info("socket")
        accepted.put_nowait(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    bound = bound_socket("127.0.0.1", 0, backlog=1)
    async with await asyncio.start_server(note, sock=bound) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await accepted.get()
        writer.close()
        await writer.wait_closed()
