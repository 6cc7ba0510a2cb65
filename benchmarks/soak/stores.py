"""What the service keeps its state in: one server, or one behind Sentinel."""

import asyncio
import random
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from benchmarks.soak.redis_process import SYNCED, RedisProcess
from tests.ports import free_port
from tests.redis.servers import REDIS_SERVER, _ask, _until

__all__ = ["IMPATIENT", "REPLICATED", "SentinelStore", "SingleStore", "Store", "own_directory"]

IMPATIENT: Final = 3_000
"""Milliseconds after which a server that says nothing is held to be down."""
REPLICATED: Final = (
    *("--repl-diskless-sync-delay", "0", "--appendonly", "yes", "--appendfsync", "always"),
    *("--min-replicas-to-write", "1", "--min-replicas-max-lag", "2"),
)
"""What was killed comes back with what it had: an empty replica must not be the next master."""
_FAILOVER_SECONDS: Final = 60.0


class Store(Protocol):
    """Redis, in whichever topology."""

    @property
    def port(self) -> int:
        """Of the server to which a proxy may lead."""

    def section(self, port: int) -> dict[str, Any]:
        """What the service is told of it; ``port`` leads to a single server."""

    async def start(self) -> None:
        """Start all of it."""

    async def end(self) -> None:
        """End all of it."""

    async def fail(self, chance: random.Random) -> None:
        """Kill what there is one of, and return when there is another in its place."""

    def stop(self) -> None:
        """Let it say nothing for a while."""

    def go_on(self) -> None:
        """And go on."""


class SingleStore:
    """One server, whose file is synced on every write."""

    def __init__(self, directory: Path) -> None:
        self._server = RedisProcess(directory, *SYNCED)

    @property
    def port(self) -> int:
        """The server's own."""
        return self._server.port

    def section(self, port: int) -> dict[str, Any]:
        """One URL."""
        return {"url": f"redis://127.0.0.1:{port}"}

    async def start(self) -> None:
        """On what is in its file."""
        if not self._server.runs:
            await self._server.start()

    async def end(self) -> None:
        """At once."""
        await self._server.kill()

    async def fail(self, chance: random.Random) -> None:
        """Kill it, and start it again on its file."""
        await self._server.kill()
        await asyncio.sleep(chance.uniform(0.0, 0.8))
        await self._server.start()

    def stop(self) -> None:
        """SIGSTOP."""
        self._server.stop()

    def go_on(self) -> None:
        """SIGCONT."""
        self._server.go_on()


def own_directory(directory: Path, number: int) -> Path:
    """The directory of one of several servers."""
    own = directory / f"redis-{number}"
    own.mkdir()
    return own


class SentinelStore:
    """A master, two replicas and three sentinels, as one runs them in production."""

    def __init__(self, directory: Path) -> None:
        self._servers = [
            RedisProcess(own_directory(directory, each), *REPLICATED) for each in range(3)
        ]
        self._sentinels = [free_port() for _ in range(3)]
        self._directory = directory
        self._watching: list[asyncio.subprocess.Process] = []

    @property
    def port(self) -> int:
        """Of the first master."""
        return self._servers[0].port

    def section(self, port: int) -> dict[str, Any]:
        """The sentinels."""
        del port
        urls = [f"redis://127.0.0.1:{each}" for each in self._sentinels]
        return {"mode": "sentinel", "master_name": "bank", "urls": urls}

    async def start(self) -> None:
        """The servers, then who watches them."""
        for each in self._servers:
            if not each.runs:
                await each.start()
        if self._watching:
            return
        for replica in self._servers[1:]:
            await replica.ask(f"REPLICAOF 127.0.0.1 {self.port}")
            await replica.until("INFO replication", "master_link_status:up")
        for port in self._sentinels:
            self._watching.append(await self._sentinel(port))
        for port in self._sentinels:
            await asyncio.to_thread(_until, partial(_knows_all, port))

    async def _sentinel(self, port: int) -> asyncio.subprocess.Process:
        file = self._directory / f"sentinel-{port}.conf"
        file.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {self._directory}\n"
            f"sentinel monitor bank 127.0.0.1 {self.port} 2\n"
            f"sentinel down-after-milliseconds bank {IMPATIENT}\n"
            "sentinel failover-timeout bank 6000\n",
            "ascii",
        )
        return await asyncio.create_subprocess_exec(
            REDIS_SERVER,
            str(file),
            "--sentinel",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )

    async def end(self) -> None:
        """At once."""
        for each in self._watching:
            each.kill()
            await each.wait()
        for server in self._servers:
            await server.kill()

    async def fail(self, chance: random.Random) -> None:
        """Kill the master; it comes back as a replica of whoever takes its place.

        It is started as one: a master that comes back as a master is taken for one by whoever asks
        Sentinel in the same moment, until it is told otherwise, ten seconds later.
        """
        del chance
        master = await self._master()
        await master.kill()
        async with asyncio.timeout(_FAILOVER_SECONDS):
            while (promoted := await self._master(but=master)) is master:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await master.start("--replicaof", f"127.0.0.1 {promoted.port}")
        for each in self._servers:
            if each is not promoted:
                await each.until("INFO replication", "master_link_status:up")

    async def _master(self, but: RedisProcess | None = None) -> RedisProcess:
        for each in self._servers:
            if each is not but and "role:master" in await each.ask("INFO replication"):
                return each
        return but or self._servers[0]

    def stop(self) -> None:
        """The one that was the first master."""
        self._servers[0].stop()

    def go_on(self) -> None:
        """All of them."""
        for each in self._servers:
            each.go_on()


def _knows_all(port: int) -> bool:
    said = _ask(port, "SENTINEL MASTERS")
    return "num-slaves\r\n$1\r\n2" in said and "num-other-sentinels\r\n$1\r\n2" in said
