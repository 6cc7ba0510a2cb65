"""Masters that die under load: what was answered and is gone, and how long nothing was answered."""

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Final

from benchmarks.replication.load import Kind, Load, load_on, lost
from benchmarks.replication.topologies import watched
from ciba_service.stores.driver.target import RedisTarget
from tests.redis.replicated import replicated, replicated_directly

__all__ = ["Cost", "Failovers", "measure_cost", "measure_failover", "measure_losses"]

WARM_UP: Final = 1.0
_DEADLINE_MS: Final = 20_000
_HASTE_MS: Final = 3_000


@dataclass
class Failovers:
    """Of several masters: promises in their last ``window`` seconds, and those that are lost."""

    window: float
    kills: int = 0
    answered: Counter[Kind] = field(default_factory=Counter)
    lost: Counter[Kind] = field(default_factory=Counter)
    silent: list[float] = field(default_factory=list)
    """Seconds from the death of a master to the next promise."""


@dataclass(frozen=True)
class Cost:
    """What was reached with a setting: promises a second, and the seconds each took."""

    rate: float
    seconds: list[float]


async def measure_losses(found: Failovers, *, replicas: int, delay: float, workers: int) -> None:
    """Kill one master whose two replicas are ``delay`` seconds away, and promote the better."""
    async with (
        replicated(replicas=2, delay=delay) as servers,
        load_on(servers.master, replicas=replicas, workers=workers, deadline_ms=_HASTE_MS) as load,
    ):
        async with load.running():
            await asyncio.sleep(WARM_UP + found.window)
            killed = time.perf_counter()
            master = await servers.fail_over()
        await _count(found, load, killed, master)


async def measure_failover(found: Failovers, *, replicas: int, workers: int) -> None:
    """Kill one master that three sentinels watch, and go on with the next."""
    async with (
        watched() as servers,
        load_on(
            servers.target, replicas=replicas, workers=workers, deadline_ms=_DEADLINE_MS
        ) as load,
    ):
        async with load.running():
            await asyncio.sleep(WARM_UP + found.window)
            killed = time.perf_counter()
            servers.servers.kill_master()
            found.silent.append(await _silence(load, killed))
        master = await asyncio.to_thread(servers.master_now)
        await _count(found, load, killed, master)


async def _silence(load: Load, killed: float) -> float:
    """Until a promise that was asked for after the death of the master is answered."""
    while True:
        await asyncio.sleep(0.01)
        after = [each for each in load.kept[-load.workers :] if each.at - each.seconds > killed]
        begun = [each.at for each in after]
        if begun:
            return min(begun) - killed


async def _count(found: Failovers, load: Load, killed: float, master: RedisTarget) -> None:
    """Look for what was asked of the old master and answered; a promise that was kept for some."""
    since = killed - found.window
    before = [each for each in load.kept if each.at >= since and each.at - each.seconds < killed]
    found.kills += 1
    found.answered += Counter(each.kind for each in before)
    found.lost += await lost(master, before)


async def measure_cost(*, replicas: int, delay: float, workers: int, seconds: float) -> Cost:
    """Promises at a master with two replicas; with ``delay`` 0 nothing is between them."""
    async with AsyncExitStack() as stack:
        servers = (
            await stack.enter_async_context(replicated(replicas=2, delay=delay))
            if delay
            else stack.enter_context(replicated_directly(replicas=2))
        )
        load = await stack.enter_async_context(
            load_on(servers.master, replicas=replicas, workers=workers, deadline_ms=_HASTE_MS)
        )
        await stack.enter_async_context(load.running())
        await asyncio.sleep(WARM_UP)
        began = time.perf_counter()
        await asyncio.sleep(seconds)
        kept = [each for each in load.kept if each.at >= began]
    return Cost(len(kept) / seconds, [each.seconds for each in kept])
