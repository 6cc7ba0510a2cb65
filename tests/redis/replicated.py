"""A master with replicas whose replication can be held up, and failovers as they happen."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ciba_service.stores.driver.target import Address, RedisTarget
from tests.redis.servers import REDIS_SERVER, _ask, _until, redis_server

AT_ONCE = ("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")


class Link:
    """The network between a master and a replica: each way takes ``delay`` seconds, or for ever."""

    def __init__(self, upstream: Address, delay: float = 0.0) -> None:
        self.delay = delay
        self._upstream = upstream
        self._open = asyncio.Event()
        self._open.set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def listen(self) -> int:
        """The port to which the replica connects."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def hold(self) -> None:
        """Carry nothing more, and tell neither side."""
        self._open.clear()

    def go_on(self) -> None:
        """Carry what was held, and everything after it."""
        self._open.set()

    async def aclose(self) -> None:
        """Lose what is under way."""
        if self._server is not None:
            self._server.close()
        for pump in self._pumps:
            pump.cancel()
        for writer in self._writers:
            writer.transport.abort()
        if self._pumps:
            await asyncio.wait(self._pumps)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(self._upstream.host, self._upstream.port)
        except OSError:
            writer.close()
            return
        self._writers += [writer, back]
        for source, sink in ((reader, back), (there, writer)):
            pump = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        arriving = asyncio.create_task(self._arrive(under_way, sink))
        try:
            with suppress(ConnectionError):
                while received := await source.read(65536):
                    under_way.put_nowait((loop.time() + self.delay, received))
            under_way.put_nowait((loop.time() + self.delay, b""))
            await arriving
        finally:
            arriving.cancel()

    async def _arrive(
        self, under_way: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        with suppress(ConnectionError):
            while True:
                at, received = await under_way.get()
                if (left := at - loop.time()) > 0:
                    await asyncio.sleep(left)
                await self._open.wait()
                if not received:
                    sink.close()
                    return
                sink.write(received)
                await sink.drain()


@dataclass(frozen=True)
class Replicated:
    """A master, its replicas, and the link to each."""

    master: RedisTarget
    replicas: tuple[RedisTarget, ...]
    links: tuple[Link, ...]

    @property
    def replica(self) -> RedisTarget:
        """The first of them."""
        return self.replicas[0]

    def kill_master(self) -> None:
        """As suddenly as a power cut would."""
        os.kill(process_of(self.master), signal.SIGKILL)

    async def fail_over(self) -> RedisTarget:
        """Kill the master, lose what is under way, and make the replica that has most the master.

        That is the one that Sentinel would choose.
        """
        self.kill_master()
        for link in self.links:
            await link.aclose()
        best = max(self.replicas, key=offset_of)
        await asyncio.to_thread(promote, best)
        return best


@contextmanager
def replicated_directly(
    *settings: str, replicas: int = 1, program: Path = REDIS_SERVER
) -> Iterator[Replicated]:
    """Run a master whose replicas have everything; the settings are those of all."""
    with ExitStack() as stack:
        master, *followers = [
            stack.enter_context(redis_server(*AT_ONCE, *settings, program=program))
            for _ in range(1 + replicas)
        ]
        for follower in followers:
            follow(follower, master.addresses[0].port)
        until_online(master, replicas)
        yield Replicated(master, tuple(followers), ())


@asynccontextmanager
async def replicated(
    *settings: str, replicas: int = 1, delay: float = 0.0
) -> AsyncIterator[Replicated]:
    """The same with a link to each replica."""
    async with AsyncExitStack() as stack:
        master, *followers = [
            stack.enter_context(redis_server(*AT_ONCE, *settings)) for _ in range(1 + replicas)
        ]
        links = []
        for follower in followers:
            link = Link(master.addresses[0], delay)
            stack.push_async_callback(link.aclose)
            await asyncio.to_thread(follow, follower, await link.listen())
            links.append(link)
        await asyncio.to_thread(until_online, master, replicas)
        yield Replicated(master, tuple(followers), tuple(links))


def until_online(master: RedisTarget, replicas: int) -> None:
    """Wait until so many replicas count for their master."""
    port = master.addresses[0].port
    _until(lambda: _ask(port, "INFO replication").count("state=online") == replicas)


def follow(replica: RedisTarget, port: int) -> None:
    """Make a server the replica of the one behind a port, and wait until it has everything."""
    own = replica.addresses[0].port
    _ask(own, f"REPLICAOF 127.0.0.1 {port}")
    _until(lambda: "master_link_status:up" in _ask(own, "INFO replication"))


def promote(replica: RedisTarget) -> None:
    """What an operator does when the master is gone."""
    own = replica.addresses[0].port
    _ask(own, "REPLICAOF NO ONE")
    _until(lambda: "role:master" in _ask(own, "INFO replication"))


def offset_of(replica: RedisTarget) -> int:
    """How much of what its master wrote a replica has."""
    info = _ask(replica.addresses[0].port, "INFO replication")
    return int(info.partition("slave_repl_offset:")[2].split()[0])


def process_of(server: RedisTarget) -> int:
    """The number of a server's process."""
    info = _ask(server.addresses[0].port, "INFO server")
    return int(info.partition("process_id:")[2].split()[0])


@contextmanager
def frozen(server: RedisTarget) -> Iterator[None]:
    """Stop a server's process, and let it go on."""
    pid = process_of(server)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
