"""What the service keeps its state in: one server, one behind Sentinel, or a cluster."""

import asyncio
import random
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from benchmarks.soak.redis_process import SYNCED, RedisProcess
from tests.redis_servers import REDIS_SERVER, _ask, _until
from tests.service_process import free_port

__all__ = ["ClusterStore", "SentinelStore", "SingleStore", "Store"]

_IMPATIENT: Final = 3_000
"""Milliseconds after which a server that says nothing is held to be down."""
_REPLICATED: Final = ("--repl-diskless-sync-delay", "0", "--appendonly", "yes")
"""What was killed comes back with what it had: an empty replica must not be the next master."""
_SLOTS: Final = 16_384
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


def _own(directory: Path, number: int) -> Path:
    """The directory of one of several servers."""
    own = directory / f"redis-{number}"
    own.mkdir()
    return own


class SentinelStore:
    """A master, two replicas and three sentinels, as one runs them in production."""

    def __init__(self, directory: Path) -> None:
        self._servers = [RedisProcess(_own(directory, each), *_REPLICATED) for each in range(3)]
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
            f"sentinel down-after-milliseconds bank {_IMPATIENT}\n"
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
        """Kill the master; it comes back as a replica of whoever takes its place."""
        del chance
        master = await self._master()
        await master.kill()
        async with asyncio.timeout(_FAILOVER_SECONDS):
            while (promoted := await self._master(but=master)) is master:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await master.start()
        await master.until("INFO replication", "role:slave")
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


class ClusterStore:
    """Three masters and three replicas."""

    def __init__(self, directory: Path) -> None:
        self._servers = [self._server(directory, number) for number in range(6)]

    def _server(self, directory: Path, number: int) -> RedisProcess:
        return RedisProcess(
            _own(directory, number),
            *_REPLICATED,
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            str(free_port()),
            "--cluster-node-timeout",
            str(_IMPATIENT),
        )

    @property
    def port(self) -> int:
        """Of the first node."""
        return self._servers[0].port

    def section(self, port: int) -> dict[str, Any]:
        """All nodes."""
        del port
        urls = [f"redis://127.0.0.1:{each.port}" for each in self._servers]
        return {"mode": "cluster", "urls": urls}

    async def start(self) -> None:
        """The nodes, and what makes them one."""
        fresh = not any(each.runs for each in self._servers)
        for each in self._servers:
            if not each.runs:
                await each.start()
        if fresh:
            await self._join()

    async def _join(self) -> None:
        first = self._servers[0]
        share = -(-_SLOTS // 3)
        for number, each in enumerate(self._servers):
            await each.ask(f"CLUSTER SET-CONFIG-EPOCH {number + 1}")
            if number < 3:  # noqa: PLR2004 - the masters
                last = min(_SLOTS, (number + 1) * share) - 1
                await each.ask(f"CLUSTER ADDSLOTSRANGE {number * share} {last}")
            bus = (await first.ask("CONFIG GET cluster-port")).split()[-1]
            await each.ask(f"CLUSTER MEET 127.0.0.1 {first.port} {bus}")
        for each in self._servers:
            await each.until("CLUSTER INFO", "cluster_known_nodes:6")
        for master, replica in zip(self._servers[:3], self._servers[3:], strict=True):
            name = (await master.ask("CLUSTER MYID")).split()[-1]
            await replica.until("CLUSTER NODES", name)
            await replica.ask(f"CLUSTER REPLICATE {name}")
            await replica.until("INFO replication", "master_link_status:up")
        for each in self._servers:
            await each.until("CLUSTER INFO", "cluster_state:ok")

    async def end(self) -> None:
        """At once."""
        for each in self._servers:
            await each.kill()

    async def fail(self, chance: random.Random) -> None:
        """Kill one of the masters; it comes back as a replica of its own."""
        masters = [
            each for each in self._servers if "role:master" in await each.ask("INFO replication")
        ]
        victim = chance.choice(masters)
        others = [each for each in self._servers if each is not victim]
        await victim.kill()
        await others[0].until("CLUSTER INFO", "cluster_state:fail")
        await others[0].until("CLUSTER INFO", "cluster_state:ok")
        await victim.start()
        await victim.until("INFO replication", "role:slave")
        await victim.until("INFO replication", "master_link_status:up")
        for each in self._servers:
            await each.until("CLUSTER INFO", "cluster_state:ok")

    def stop(self) -> None:
        """The first node."""
        self._servers[0].stop()

    def go_on(self) -> None:
        """All of them."""
        for each in self._servers:
            each.go_on()
