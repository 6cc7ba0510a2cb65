"""Sending one batch of commands to one server, or to the nodes of a cluster."""

import asyncio
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from hiredis import pack_command
from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    ClusterDownError,
    MovedError,
    RedisClusterException,
    ResponseError,
    SlotNotCoveredError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ciba_service.stores.driver.faults import DRIVER_ERRORS, is_no_master

__all__ = ["ClusterPipeline", "Pipeline", "Request", "ServerPipeline"]

_TRANSPORT_ERRORS: Final = (OSError, RedisConnectionError, RedisTimeoutError)
_TOPOLOGY_ERRORS: Final = (
    *_TRANSPORT_ERRORS,
    ClusterDownError,
    MovedError,
    RedisClusterException,
)


@dataclass(frozen=True, slots=True)
class Request:
    """A command ready for the wire; ``key`` says which node of a cluster it belongs to."""

    name: str
    arguments: tuple[bytes, ...]
    key: bytes | None


class Pipeline(Protocol):
    """Sends a batch in one round trip to each server concerned."""

    async def send(self, batch: Sequence[Request]) -> list[Any]:
        """Return one reply, or one exception, for each request, in order.

        Raises:
            One of ``DRIVER_ERRORS``: the fate of the whole batch is unknown.
        """

    async def aclose(self) -> None:
        """End what runs in the background."""


class ServerPipeline:
    """One server, or the master that Sentinel names.

    A connection that breaks, does not answer in time, or leads to what is no master any more speaks
    for those that lie idle: they go, too, so that the next attempt connects anew and asks again
    who the master is.

    The driver's own pipelines cost more than all else on the way: locks, statistics and a timeout
    for each reply. Here connections stay at hand, and one timeout is for the whole batch.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._idle: list[AbstractConnection] = []
        self._seconds: float | None = None

    async def send(self, batch: Sequence[Request]) -> list[Any]:
        """Send the batch over one connection."""
        connection = await self._taken()
        try:
            replies = await self._exchanged(connection, batch)
        except _TRANSPORT_ERRORS:
            await self._give_up(connection)
            await self._drop_idle_connections()
            raise
        except BaseException:
            await self._give_up(connection)
            raise
        self._idle.append(connection)
        if any(is_no_master(reply) for reply in replies):
            await self._drop_idle_connections()
        return replies

    async def aclose(self) -> None:
        """Let the connections go."""
        await self._drop_idle_connections()

    async def _taken(self) -> AbstractConnection:
        """A connection on which nothing is to be read: one whose server has gone is left."""
        while self._idle:
            idle = self._idle.pop()
            if idle.is_connected and not await idle.can_read():
                return idle
            await self._give_up(idle)
        connection: AbstractConnection = await self._client.connection_pool.get_connection()  # type: ignore[no-untyped-call]
        # The driver would make a task for each write that may take so long; the batch may instead.
        self._seconds, connection.socket_timeout = connection.socket_timeout, None
        return connection

    async def _exchanged(
        self, connection: AbstractConnection, batch: Sequence[Request]
    ) -> list[Any]:
        packed = [pack_command((request.name, *request.arguments)) for request in batch]  # type: ignore[arg-type] # of one type only, say its stubs
        try:
            async with asyncio.timeout(self._seconds):
                await connection.send_packed_command(b"".join(packed))
                return [await self._reply(connection, request) for request in batch]
        except TimeoutError:
            raise RedisTimeoutError("Redis did not answer in time") from None

    async def _reply(self, connection: AbstractConnection, request: Request) -> Any:  # noqa: ANN401 - a Redis reply
        try:
            reply = await connection.read_response(timeout=math.inf)
        except ResponseError as error:
            return error
        present = self._client.response_callbacks.get(request.name)
        return reply if present is None else present(reply)

    async def _give_up(self, connection: AbstractConnection) -> None:
        with suppress(*DRIVER_ERRORS):
            await connection.disconnect(nowait=True)
        connection.socket_timeout = self._seconds
        await self._client.connection_pool.release(connection)

    async def _drop_idle_connections(self) -> None:
        while self._idle:
            await self._give_up(self._idle.pop())
        with suppress(*DRIVER_ERRORS):
            await self._client.connection_pool.disconnect(inuse_connections=False)


class ClusterPipeline:
    """The nodes of a cluster.

    With its own retries off the driver never looks at the topology again, so that a fault of the
    transport makes us do it: beside the callers, one look at a time. What another node is
    responsible for is sent on to it, one by one, or without ``follows_redirections`` refused.
    """

    def __init__(self, client: RedisCluster, *, follows_redirections: bool = True) -> None:
        self._client = client
        self._follows_redirections = follows_redirections
        self._refreshing: asyncio.Task[None] | None = None

    async def send(self, batch: Sequence[Request]) -> list[Any]:
        """Send each request to the node of its key, all nodes at once."""
        await self._client.initialize()
        replies: list[Any] = [None] * len(batch)
        pipeline = self._client.pipeline()
        sent: list[tuple[int, ClusterNode]] = []
        for position, request in enumerate(batch):
            try:
                node = self.node(request.key)
            except SlotNotCoveredError as error:
                replies[position] = error
            else:
                # Named here, since a command the driver cannot route fails the whole batch.
                pipeline.execute_command(request.name, *request.arguments, target_nodes=node)
                sent.append((position, node))
        try:
            answers = await pipeline.execute(
                raise_on_error=False, allow_redirections=self._follows_redirections
            )
        except _TOPOLOGY_ERRORS:
            self._refresh({node for _, node in sent})
            raise
        for (position, _), answer in zip(sent, answers, strict=True):
            replies[position] = answer
        suspects = {node for at, node in sent if isinstance(replies[at], _TOPOLOGY_ERRORS)}
        if suspects or len(sent) < len(batch):
            self._refresh(suspects)
        return replies

    async def aclose(self) -> None:
        """End a look at the topology that is under way."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait({self._refreshing})

    def node(self, key: bytes | None) -> ClusterNode:
        """The primary of a key; raises ``SlotNotCoveredError`` while none is known."""
        if key is not None:
            owners = self._client.nodes_manager.slots_cache.get(self._client.keyslot(key))
        else:
            owners = self._client.get_primaries()
        if not owners:
            raise SlotNotCoveredError("no node is known for the key")
        return owners[0]

    def _refresh(self, suspects: Iterable[ClusterNode]) -> None:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._look_again(tuple(suspects)))

    async def _look_again(self, suspects: Sequence[ClusterNode]) -> None:
        for node in suspects:
            # Not ``disconnect_free_connections``: it closes what somebody takes meanwhile. Those
            # that are marked go when they are next taken or released.
            for connection in node._connections:  # noqa: SLF001 - the driver marks only some
                connection.mark_for_reconnect()  # type: ignore[no-untyped-call]
        try:
            await self._client.nodes_manager.initialize()
        except DRIVER_ERRORS:
            return  # The next fault looks again.
