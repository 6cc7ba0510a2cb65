"""Sending one batch of commands to one server."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError

from ciba_service.stores.driver.faults import is_no_master
from ciba_service.stores.driver.link import Done, Link, Outcome

__all__ = ["Argument", "InTasks", "Pipeline", "Request", "ServerPipeline"]

Argument = str | bytes | int


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

    def lane(self, request: Request) -> str:
        """Which server it goes to: requests of one lane share batches, those of two do not."""
        ...

    def send(self, batch: Sequence[Request], done: Done) -> None:
        """Send one; ``done`` gets its outcome, once and not before this returns."""
        ...

    async def aclose(self) -> None:
        """End what runs in the background, after the last batch is done."""
        ...


class AwaitedPipeline(Protocol):
    """The same as coroutines: see ``InTasks``."""

    def lane(self, request: Request) -> str:
        """See ``Pipeline``."""
        ...

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

    def lane(self, request: Request) -> str:
        """See ``Pipeline``."""
        return self._inner.lane(request)

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
    return _failure(task) or task.result()


def _failure(task: asyncio.Task[Any]) -> Exception | None:
    if task.cancelled():
        return RedisConnectionError("the exchange with Redis was ended")
    error = task.exception()
    if error is None or isinstance(error, Exception):
        return error
    return RuntimeError(type(error).__name__)


class ServerPipeline:
    """One server, or the master that Sentinel names, over one connection at a time.

    It is made when it is first needed, and anew after it broke, was not answered in time, or led
    to what is no master any more, so that Sentinel is asked again who that is.
    """

    def __init__(self, client: Redis, *, connect_seconds: float) -> None:
        self._pool = client.connection_pool
        self._connect_seconds = connect_seconds
        self._link: Link | None = None
        self._connecting: asyncio.Task[Link] | None = None
        self._waiting: list[tuple[Sequence[Request], Done]] = []

    def lane(self, request: Request) -> str:
        """There is only one."""
        del request
        return ""

    def send(self, batch: Sequence[Request], done: Done) -> None:
        """Send it, after a connection was made where there is none."""
        link = self._link
        if link is not None and link.is_open:
            self._over(link, batch, done)
            return
        self._waiting.append((batch, done))
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(self._connected)

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

    def _connected(self, task: asyncio.Task[Link]) -> None:
        """Leave no batch waiting, whatever became of the task: it may not even have begun."""
        self._connecting = None
        waiting, self._waiting = self._waiting, []
        error = _failure(task)
        if error is None:
            self._link = task.result()
        for batch, done in waiting:
            if error is None:
                self.send(batch, done)
            else:
                done(error)

    async def _connect(self) -> Link:
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        seconds = connection.socket_timeout or self._connect_seconds
        async with asyncio.timeout(self._connect_seconds):
            await connection.connect()  # type: ignore[no-untyped-call]
            if isinstance(self._pool, SentinelConnectionPool):
                await _verify_master(connection)
        return Link.over(connection, self, seconds=seconds)


async def _verify_master(connection: AbstractConnection) -> None:
    """Refuse a replica, which refuses writes itself, but knows less than the master.

    An old master may be back as one before Sentinel names the new one. INFO says what it is, so
    that no right to run ROLE is needed.

    Raises:
        RedisConnectionError: it is one; the connection was closed.
    """
    await connection.send_command("INFO", "replication")
    if b"role:master" not in await connection.read_response():
        await connection.disconnect()
        raise RedisConnectionError("Sentinel names a server that is no master")
