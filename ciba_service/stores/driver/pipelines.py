"""Sending one batch of commands to one server, or to the nodes of a cluster."""

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final, Protocol

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    ClusterDownError,
    MovedError,
    RedisClusterException,
    SlotNotCoveredError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ciba_service.stores.driver.faults import DRIVER_ERRORS, is_no_master
from ciba_service.stores.driver.link import Done, Link, Outcome

__all__ = ["Argument", "ClusterPipeline", "InTasks", "Pipeline", "Request", "ServerPipeline"]

Argument = str | bytes | int

_TRANSPORT_ERRORS: Final = (OSError, RedisConnectionError, RedisTimeoutError)
_TOPOLOGY_ERRORS: Final = (
    *_TRANSPORT_ERRORS,
    ClusterDownError,
    MovedError,
    RedisClusterException,
)


class Request:
    """A command, and how it goes over the wire; its key, if any, is ``arguments[key_at]``."""

    __slots__ = ("arguments", "key_at", "name", "packed")

    def __init__(
        self, name: str, arguments: tuple[Argument, ...], packed: bytes, key_at: int = 0
    ) -> None:
        self.name = name
        self.arguments = arguments
        self.packed = packed
        self.key_at = key_at

    @property
    def key(self) -> Argument | None:
        """What says which node of a cluster it belongs to."""
        return self.arguments[self.key_at] if len(self.arguments) > self.key_at else None


class Pipeline(Protocol):
    """Sends batches, each in one round trip to each server concerned."""

    def send(self, batch: Sequence[Request], done: Done) -> None:
        """Send one; ``done`` gets its outcome, once and not before this returns."""
        ...

    async def aclose(self) -> None:
        """End what runs in the background, after the last batch is done."""
        ...


class AwaitedPipeline(Protocol):
    """The same as coroutines: see ``InTasks``."""

    async def send(self, batch: Sequence[Request]) -> Sequence[Any]:
        """Return one reply, or one exception, for each request, in order.

        Raises:
            One of ``DRIVER_ERRORS``: the fate of the whole batch is unknown.
        """
        ...

    async def aclose(self) -> None:
        """End what runs in the background."""
        ...


class InTasks:
    """``Pipeline`` over one of coroutines: a task for each batch, which has so many seconds."""

    def __init__(self, inner: AwaitedPipeline, *, seconds: float) -> None:
        self._inner = inner
        self._seconds = seconds
        self._tasks: set[asyncio.Task[Sequence[Any]]] = set()

    def send(self, batch: Sequence[Request], done: Done) -> None:
        """Send it in a task."""
        task = asyncio.create_task(self._sent(batch))
        self._tasks.add(task)
        task.add_done_callback(partial(self._answered, done))

    async def aclose(self) -> None:
        """End what runs in the background."""
        await self._inner.aclose()

    async def _sent(self, batch: Sequence[Request]) -> Sequence[Any]:
        async with asyncio.timeout(self._seconds):
            return await self._inner.send(batch)

    def _answered(self, done: Done, task: asyncio.Task[Sequence[Any]]) -> None:
        """Leave no caller waiting, whatever became of the task."""
        self._tasks.discard(task)
        done(_outcome(task))


def _outcome(task: asyncio.Task[Sequence[Any]]) -> Outcome:
    if task.cancelled():
        return RedisConnectionError("the exchange with Redis was ended")
    error = task.exception()
    if error is None:
        return task.result()
    return error if isinstance(error, Exception) else RuntimeError(type(error).__name__)


class ServerPipeline:
    """One server, or the master that Sentinel names, over one connection at a time.

    It is made when it is first needed, and anew after it broke, was not answered in time, or led
    to what is no master any more, so that Sentinel is asked again who that is.
    """

    def __init__(self, client: Redis, *, connect_seconds: float) -> None:
        self._pool = client.connection_pool
        self._connect_seconds = connect_seconds
        self._link: Link | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._waiting: list[tuple[Sequence[Request], Done]] = []

    def send(self, batch: Sequence[Request], done: Done) -> None:
        """Send it, after a connection was made where there is none."""
        link = self._link
        if link is not None and link.is_open:
            self._over(link, batch, done)
            return
        self._waiting.append((batch, done))
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())

    async def aclose(self) -> None:
        """Let the connection go."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        if self._link is not None:
            self._link.leave()

    def lost(self, link: Link) -> None:
        """Make another connection for the next batch."""
        if self._link is link:
            self._link = None

    def _over(self, link: Link, batch: Sequence[Request], done: Done) -> None:
        packed = b"".join([request.packed for request in batch])
        link.send(packed, len(batch), partial(self._answered, link, done))

    def _answered(self, link: Link, done: Done, outcome: Outcome) -> None:
        if link.met_error and not isinstance(outcome, Exception):
            link.met_error = False
            if any(map(is_no_master, outcome)):
                self.lost(link)
                link.leave()
        done(outcome)

    async def _connect(self) -> None:
        error: Exception | None = None
        try:
            async with asyncio.timeout(self._connect_seconds):
                self._link = await self._opened()
        except DRIVER_ERRORS as fault:
            error = fault
        except asyncio.CancelledError:
            error = RedisConnectionError("the connection to Redis is closed")
        self._connecting = None
        waiting, self._waiting = self._waiting, []
        for batch, done in waiting:
            if error is None:
                self.send(batch, done)
            else:
                done(error)

    async def _opened(self) -> Link:
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        seconds = connection.socket_timeout or self._connect_seconds
        await connection.connect()  # type: ignore[no-untyped-call]
        return Link.over(connection, self, seconds=seconds)


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

    def node(self, key: Argument | None) -> ClusterNode:
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
