"""A proxy before Redis that lets commands run and loses their replies, on demand and once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self

from ciba_service.stores.driver.connection import connect_node, disconnect
from ciba_service.stores.driver.target import Address, RedisMode, RedisTarget

_DONE = b"$12\r\nproxy-marker\r\n"
_MARK = b"*2\r\n$4\r\nECHO\r\n" + _DONE


class ReplyDroppingProxy:
    """Forwards whole commands; ``dropped`` counts the replies lost so far."""

    def __init__(self, upstream: RedisTarget) -> None:
        self.dropped = 0
        self.address = Address("127.0.0.1", 0)
        self._upstream = upstream
        self._matching: bytes | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    def drop_next_reply(self, matching: bytes) -> None:
        """Lose the replies to the next batch with ``matching`` in an argument of a command.

        The batch runs to its end before the connection is cut.
        """
        self._matching = matching

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = Address("127.0.0.1", self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        upstream_reader, upstream_writer = await self._connect()
        # The way back ends with the upstream connection, which `_forward` closes.
        back = asyncio.create_task(_pump(upstream_reader, writer))
        try:
            await self._forward(reader, upstream_reader, upstream_writer, back)
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            back.cancel()
            upstream_writer.close()
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._upstream.unix_socket is not None:
            return await asyncio.open_unix_connection(self._upstream.unix_socket)
        (address,) = self._upstream.addresses
        return await asyncio.open_connection(address.host, address.port)

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        upstream_reader: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
        back: asyncio.Task[None],
    ) -> None:
        buffer = b""
        while received := await reader.read(65536):
            buffer += received
            size, arguments = _whole_commands(buffer)
            batch, buffer = buffer[:size], buffer[size:]
            matching = self._matching
            if matching is not None and any(matching in argument for argument in arguments):
                self._matching = None
                back.cancel()
                await asyncio.wait({back})
                upstream.write(batch + _MARK)
                await upstream_reader.readuntil(_DONE)
                self.dropped += 1
                return
            upstream.write(batch)
            await upstream.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while received := await reader.read(65536):
            writer.write(received)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        if reader.at_eof():
            writer.close()


def _whole_commands(buffer: bytes) -> tuple[int, list[bytes]]:
    """Measure the complete commands at the start of the buffer, and list their arguments."""
    arguments: list[bytes] = []
    end = 0
    while (command := _command(buffer, end)) is not None:
        end, found = command
        arguments += found
    return end, arguments


def _command(buffer: bytes, start: int) -> tuple[int, list[bytes]] | None:
    header_end = buffer.find(b"\r\n", start)
    if header_end < 0:
        return None
    arguments: list[bytes] = []
    position = header_end + 2
    for _ in range(int(buffer[start + 1 : header_end])):
        length_end = buffer.find(b"\r\n", position)
        if length_end < 0:
            return None
        text_start = length_end + 2
        text_end = text_start + int(buffer[position + 1 : length_end])
        if len(buffer) < text_end + 2:
            return None
        arguments.append(buffer[text_start:text_end])
        position = text_end + 2
    return position, arguments


@asynccontextmanager
async def reply_dropping(
    target: RedisTarget,
) -> AsyncIterator[tuple[ReplyDroppingProxy, RedisTarget]]:
    """Put a proxy before a server, and give the target that leads through it.

    A cluster is made to announce the proxy's port as its own meanwhile.
    """
    async with ReplyDroppingProxy(target) as proxy:
        through = replace(target, unix_socket=None, addresses=(proxy.address,))
        if target.mode is not RedisMode.CLUSTER:
            yield proxy, through
            return
        (address,) = target.addresses
        node = connect_node(replace(target, mode=RedisMode.SINGLE), address)
        try:
            await node.config_set("cluster-announce-port", proxy.address.port)
            yield proxy, through
        finally:
            await node.config_set("cluster-announce-port", 0)
            await disconnect(node)
