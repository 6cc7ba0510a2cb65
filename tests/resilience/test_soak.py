"""The short form of ``make soak``: real processes, real Redis, and every kind of fault at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchmarks.soak.faults import Fault
from benchmarks.soak.jumping_service import ClockHand
from benchmarks.soak.killing_proxy import KillingProxy, When
from benchmarks.soak.running import run_scenario
from benchmarks.soak.scenario import Scenario
from ciba_service.stores.asking.transactions import _FORGET
from ciba_service.stores.driver.commands import Commands, StoreFault
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.driver.script import Script
from ciba_service.stores.driver.target import Address, RedisTarget
from tests.redis.servers import redis_server, the_server

SHORT = Scenario(
    "short",
    tuple(fault for fault in Fault if fault is not Fault.FAILOVERS),
    flows=100_000,
    at_once=30,
    users=20,
    guessers=0,
    slower=0.2,
    brief=True,
    seconds=6.0,
)


@pytest.mark.timeout(240)
async def test_nothing_is_violated_while_everything_fails(tmp_path: Path):
    """Processes and Redis die, clocks jump, clients and phones go away: the history is clean."""
    told: list[str] = []
    outcome = await run_scenario(SHORT, tmp_path, seed=1, say=told.append)
    assert outcome.judged.violations == []
    assert outcome.failures == []
    assert outcome.judged.ends["tokens"] > 0
    assert outcome.faults.total() > 0


# --- What the faults are made of ---


@pytest.fixture(scope="module")
def redis() -> RedisTarget:
    """A server of its own."""
    with redis_server() as target:
        yield target


class Victim:
    """What a proxy kills: it remembers whether it was."""

    def __init__(self) -> None:
        self.kills = 0

    def kill(self) -> bool:
        """As the kernel would."""
        self.kills += 1
        return True


@contextlib.asynccontextmanager
async def through(
    redis: RedisTarget, victim: Victim
) -> AsyncIterator[tuple[KillingProxy, Commands]]:
    """A proxy, and commands that lead through it."""
    async with KillingProxy(redis.addresses[0].port, victim.kill) as proxy:
        commands = Commands(connect(RedisTarget(addresses=(Address("127.0.0.1", proxy.port),))))
        try:
            yield proxy, commands
        finally:
            await commands.aclose()


@pytest.mark.parametrize(("when", "ran"), [(When.BEFORE, False), (When.AFTER, True)])
async def test_a_process_dies_before_a_script_or_after_it(
    redis: RedisTarget, when: When, *, ran: bool
):
    """Before: Redis never saw it. After: it has run, and nobody gets the reply."""
    victim, key = Victim(), f"poll-{when}"
    async with the_server(redis) as server, through(redis, victim) as (proxy, commands):
        await commands.evaluate(_FORGET, ["none"], ["nothing"])  # Redis knows the script now.
        await server.hset(key, mapping={"q": "operation", "b": "5000 0", "l": "1", "i": "9"})
        proxy.arm(when)
        with pytest.raises(StoreFault):
            await commands.evaluate(_FORGET, [key], ["operation"])
        assert (await server.hget(key, "q") is None) is ran
        assert (victim.kills, proxy.is_armed) == (1, False)
        assert proxy.done == {("forget_poll", when): 1}


async def test_what_is_no_fault_point_passes(redis: RedisTarget):
    """Without a fault armed, and of what is no script of the service."""
    victim = Victim()
    other = Script.of("other", "return 7")
    async with through(redis, victim) as (proxy, commands):
        await commands.evaluate(_FORGET, ["none"], ["nothing"])
        proxy.arm(When.BEFORE)
        assert await commands.evaluate(other, ["key"], []) == 7
        proxy.disarm()
        await asyncio.gather(
            *(commands.evaluate(_FORGET, ["none"], ["nothing"]) for _ in range(50))
        )
    assert victim.kills == 0


def test_a_clock_is_set_by_a_file(tmp_path: Path):
    """Whoever has the file open sees it at once."""
    config = tmp_path / "ciba.toml"
    hand, service = ClockHand(config), ClockHand(config)
    assert service.offset_ms == 0
    hand.set(-12_345)
    assert service.offset_ms == -12_345
