"""Repeating an operation until it succeeds or its deadline has passed."""

import asyncio

import pytest

from ciba_service.ports import StoreUnavailable
from ciba_service.stores.driver.commands import Commands, StoreFault, StoreProgrammingError
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.driver.run import run
from ciba_service.stores.driver.script import Script
from ciba_service.stores.driver.target import RedisTarget
from tests.redis.reply_dropping_proxy import reply_dropping

COUNT = Script.of(
    "count", "redis.call('SET', KEYS[1], 0, 'NX', 'PX', 60000) return redis.call('INCR', KEYS[1])"
)


class InstantClock:
    """A clock on which no time passes, and which notes the pauses asked for."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def now_ms(self) -> int:
        """It is always the same moment."""
        return 0

    async def sleep(self, seconds: float) -> None:
        """Return at once."""
        self.pauses.append(seconds)


class StoppedClock(InstantClock):
    """A clock whose pauses never end."""

    async def sleep(self, seconds: float) -> None:
        """Never return."""
        self.pauses.append(seconds)
        await asyncio.Event().wait()


class Operation:
    """Fails as often as told, then answers."""

    def __init__(self, faults: int) -> None:
        self.runs = 0
        self._faults = faults

    async def __call__(self) -> str:
        """Run once."""
        self.runs += 1
        if self.runs <= self._faults:
            raise StoreFault(f"fault {self.runs}")
        return "done"


async def test_an_operation_is_repeated_until_it_succeeds():
    """Three faults cost three pauses, and then the answer arrives."""
    clock, operation = InstantClock(), Operation(faults=3)
    assert await run(operation, deadline_ms=10_000, clock=clock) == "done"
    assert operation.runs == 4
    assert len(clock.pauses) == 3


async def test_pauses_grow_with_jitter_and_stay_short():
    """The pauses double from 20 ms to half a second, each cut by at most a half."""
    clock = InstantClock()
    await run(Operation(faults=10), deadline_ms=10_000, clock=clock)
    longest = [0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5, 0.5, 0.5, 0.5]
    for pause, limit in zip(clock.pauses, longest, strict=True):
        assert limit / 2 <= pause <= limit


@pytest.mark.parametrize("clock", [InstantClock(), StoppedClock()], ids=["instant", "stopped"])
async def test_the_deadline_is_real_time(clock: InstantClock):
    """Whatever the clock says, an operation that only fails ends with its last fault as cause."""
    operation = Operation(faults=1_000_000)
    with pytest.raises(StoreUnavailable) as raised:
        await run(operation, deadline_ms=50, clock=clock)
    assert isinstance(raised.value.__cause__, StoreFault)
    assert str(raised.value.__cause__) == f"fault {operation.runs}"


async def test_the_deadline_cuts_an_operation_under_way():
    """An operation that never answers is given up when the time has passed."""

    async def never() -> None:
        await asyncio.Event().wait()

    with pytest.raises(StoreUnavailable):
        await run(never, deadline_ms=20, clock=InstantClock())


@pytest.mark.parametrize("error", [StoreProgrammingError("no"), TimeoutError(), ValueError()])
async def test_other_errors_are_not_repeated(error: Exception):
    """What repeating cannot mend is raised at once."""
    runs = 0

    async def fail() -> None:
        nonlocal runs
        runs += 1
        raise error

    with pytest.raises(type(error)) as raised:
        await run(fail, deadline_ms=10_000, clock=InstantClock())
    assert raised.value is error
    assert runs == 1


async def test_a_lost_reply_is_made_good_by_running_again(redis_target: RedisTarget):
    """The script ran for the lost reply and once more: what operation ids are for."""
    async with reply_dropping(redis_target) as (proxy, target):
        commands = Commands(connect(target))
        try:
            await commands.evaluate(COUNT, ["n"], [])
            proxy.drop_next_reply(matching=COUNT.sha.encode())
            answer = await run(
                lambda: commands.evaluate(COUNT, ["n"], []),
                deadline_ms=5_000,
                clock=InstantClock(),
            )
            assert proxy.dropped == 1
            assert answer == 3
        finally:
            await commands.aclose()


async def test_a_server_that_is_not_there_is_unavailable():
    """Nothing of the driver comes through when no connection is possible."""
    commands = Commands(connect(RedisTarget(unix_socket="/nonexistent/redis.sock")))
    with pytest.raises(StoreUnavailable):
        await run(lambda: commands.call("PING"), deadline_ms=50, clock=InstantClock())
    await commands.aclose()
