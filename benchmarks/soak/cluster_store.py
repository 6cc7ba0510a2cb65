"""What the service keeps its state in: a cluster, whose masters have a replica each."""

import random
from pathlib import Path
from typing import Any, Final

from benchmarks.soak.redis_process import RedisProcess
from benchmarks.soak.stores import IMPATIENT, REPLICATED, own_directory
from tests.ports import free_port

__all__ = ["ClusterStore"]

_SLOTS: Final = 16_384


class ClusterStore:
    """Three masters and three replicas."""

    def __init__(self, directory: Path) -> None:
        self._servers = [self._server(directory, number) for number in range(6)]

    def _server(self, directory: Path, number: int) -> RedisProcess:
        return RedisProcess(
            own_directory(directory, number),
            *REPLICATED,
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            str(free_port()),
            "--cluster-node-timeout",
            str(IMPATIENT),
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
