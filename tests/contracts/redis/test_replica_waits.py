"""Waiting for replicas: who waits, for what, and what becomes of it when too few answer."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from redis.crc import key_slot

from ciba_service.ports import StoreUnavailable
from ciba_service.stores.driver.commands import Commands, StoreFault, StoreProgrammingError
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.driver.faults import RecordNotUnderstood
from ciba_service.stores.driver.observer import Unobserved
from ciba_service.stores.driver.replicas import DurableCommands
from ciba_service.stores.driver.run import run
from ciba_service.stores.driver.script import Script
from ciba_service.stores.driver.target import RedisTarget, ReplicaWait
from ciba_service.stores.embedded.binary import packaged_program
from ciba_service.stores.keys import fence_key
from ciba_service.stores.operations import Operations
from tests.contracts.store_builders import PHONE_JWK, TAG, NoWaiting, new_phone, stores_over
from tests.redis.replicated import Replicated, frozen, replicated, replicated_directly
from tests.redis.servers import REDIS_SERVER, _ask, _until

ONCE = Script.of(
    "once",
    "if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', 60000) then return 1 end "
    "return redis.call('GET', KEYS[1]) == ARGV[1] and 1 or 0",
    durable=True,
)
WRONG = Script.of("wrong", "return redis.call('LPUSH', KEYS[1], 1)", durable=True)
PATIENCE = ReplicaWait(replicas=1, milliseconds=10_000)
HASTE = ReplicaWait(replicas=1, milliseconds=100)


def programs() -> list[Path]:
    """Debian's Redis and the Valkey of the package, which wait for different things."""
    packaged = packaged_program()
    return [REDIS_SERVER] if packaged is None else [REDIS_SERVER, Path(packaged)]


@pytest.fixture(scope="module", params=programs(), ids=lambda program: program.name)
def running(request: pytest.FixtureRequest) -> Iterator[Replicated]:
    """A master with one replica."""
    with replicated_directly(program=request.param) as servers:
        yield servers


@pytest.fixture
def servers(running: Replicated) -> Replicated:
    """The same, empty."""
    _ask(running.master.addresses[0].port, "FLUSHALL")
    return running


@asynccontextmanager
async def durable_to(target: RedisTarget, wait: ReplicaWait) -> AsyncIterator[DurableCommands]:
    """The way of durable writes, closed afterwards."""
    commands = DurableCommands(connect(replace(target, command_timeout=20.0)), wait)
    try:
        assert await answered(commands, "known") == 1
        with pytest.raises(StoreProgrammingError):
            await commands.evaluate(WRONG, ["known"], [])
        yield commands
    finally:
        await commands.aclose()


class Waited(Unobserved):
    """Keeps whether enough replicas had each batch."""

    def __init__(self) -> None:
        self.enough: list[bool] = []

    def waited(self, seconds: float, *, enough: bool) -> None:
        """One more."""
        assert seconds > 0
        self.enough.append(enough)


async def answered(durable: Commands, key: str, operation: str = "op") -> int:
    """The answer to ``ONCE``, as soon as the replica is there."""
    answer: int = await run(
        lambda: durable.evaluate(ONCE, [key], [operation]), deadline_ms=20_000, clock=NoWaiting()
    )
    return answer


async def test_an_answer_means_that_the_replica_has_it(servers: Replicated):
    """Each of many at once is there when its answer is; neighbours keep their own errors."""
    port = servers.replica.addresses[0].port
    async with durable_to(servers.master, PATIENCE) as durable:
        durable.observer = watched = Waited()

        async def written(number: int) -> str:
            assert await durable.evaluate(ONCE, [f"k{number}"], ["op"]) == 1
            return await asyncio.to_thread(_ask, port, f"GET k{number}")

        assert set(await asyncio.gather(*map(written, range(50)))) == {"$2\r\nop"}
        with pytest.raises(StoreProgrammingError):
            await durable.evaluate(WRONG, ["k1"], [])
        assert set(watched.enough) == {True}


async def test_a_replica_that_lags_makes_an_answer_a_fault(servers: Replicated):
    """It ran, and nobody may rely on it; an error of one's own stays what it is."""
    async with durable_to(servers.master, HASTE) as durable:
        durable.observer = watched = Waited()
        with frozen(servers.replica):
            answers = await asyncio.gather(
                durable.evaluate(ONCE, ["k"], ["op"]),
                durable.evaluate(WRONG, ["known"], []),
                return_exceptions=True,
            )
            assert [type(each) for each in answers] == [StoreFault, RecordNotUnderstood]
            assert "replicas" in str(answers[0])
            assert "$2\r\nop" in _ask(servers.master.addresses[0].port, "GET k")
        assert watched.enough == [False]
        assert await answered(durable, "k") == 1
        assert watched.enough[-2:] == [True, True]  # whether it is back, and the answer itself


async def test_a_repetition_that_writes_nothing_waits_all_the_same(servers: Replicated):
    """On a new connection, as by another process: the stored outcome is not told too soon."""
    async with AsyncExitStack() as stack:
        first, second, third = [
            await stack.enter_async_context(durable_to(servers.master, HASTE)) for _ in range(3)
        ]
        with frozen(servers.replica):
            with pytest.raises(StoreFault):
                await first.evaluate(ONCE, ["k"], ["op"])
            with pytest.raises(StoreFault):
                await second.evaluate(ONCE, ["k"], ["op"])
            with pytest.raises(StoreFault):
                await third.call("GET", "k")
        assert await answered(second, "k") == 1
        assert await answered(second, "k", "another") == 0
        assert await answered(third, "k") == 1


async def test_a_pin_is_not_told_to_be_changed_before_the_replica_knows(servers: Replicated):
    """Also when the order comes again, and all that is left to do is to read what it did."""
    new_pin = b"2" * 32
    commands = Commands(connect(servers.master))
    async with durable_to(servers.master, HASTE) as durable:
        others = stores_over(commands).devices
        phone = await others.add(TAG, new_phone(), PHONE_JWK, further=False, operation="add")
        assert phone is not None
        hasty = stores_over(commands, durable=durable, deadline_ms=300).devices
        patient = stores_over(commands, durable=durable, deadline_ms=20_000).devices
        with frozen(servers.replica):
            assert await others.change_pin(phone, new_pin, operation="order")
            with pytest.raises(StoreUnavailable):
                await hasty.change_pin(phone, new_pin, operation="order")
        assert await patient.change_pin(phone, new_pin, operation="order")
    await commands.aclose()


async def test_while_replicas_are_missing_nothing_more_is_run(servers: Replicated):
    """Only what was under way at the beginning is in doubt; all else is as if it never came."""
    async with durable_to(servers.master, HASTE) as durable:
        with frozen(servers.replica):
            for key in ("in-doubt", "never", "never"):
                with pytest.raises(StoreFault):
                    await durable.evaluate(ONCE, [key], ["op"])
            assert _ask(servers.master.addresses[0].port, "EXISTS in-doubt never") == ":1"
        assert await answered(durable, "never", "other") == 1


async def test_who_need_not_wait_does_not(servers: Replicated):
    """Other commands have other connections: they are answered while a durable one waits."""
    commands = Commands(connect(servers.master))
    try:
        async with durable_to(servers.master, PATIENCE) as durable:
            await commands.call("PING")
            with frozen(servers.replica):
                waiting = asyncio.create_task(durable.evaluate(ONCE, ["k"], ["op"]))
                while await commands.call("GET", "k") is None:
                    pass
                assert await commands.call("PING")
                assert not waiting.done()
            assert await waiting == 1
    finally:
        await commands.aclose()


async def test_operations_repeat_until_the_replica_is_back(servers: Replicated):
    """A short lag costs time; a long one ends with the deadline, and the retry gets the outcome."""
    commands = Commands(connect(servers.master))
    async with durable_to(servers.master, HASTE) as durable:
        operations = Operations(commands, clock=NoWaiting(), deadline_ms=20_000, durable=durable)
        hasty = Operations(commands, clock=NoWaiting(), deadline_ms=100, durable=durable)
        with frozen(servers.replica):
            with pytest.raises(StoreUnavailable):
                await hasty.evaluate(ONCE, ["k"], ["op"])
            with pytest.raises(StoreUnavailable):
                await hasty.call_durably("GET", "k")
            assert await hasty.call("GET", "k") == b"op"
            waiting = asyncio.create_task(operations.evaluate(ONCE, ["k"], ["op"]))
            before = durable.flushes
            while durable.flushes == before:
                await hasty.call("PING")
        assert await waiting == 1
    await commands.aclose()


async def test_what_was_written_can_be_confirmed(servers: Replicated):
    """Nobody is asked where nobody waits."""
    commands = Commands(connect(servers.master))
    async with durable_to(servers.master, HASTE) as durable:
        before = commands.flushes, durable.flushes
        await Operations(commands, clock=NoWaiting(), deadline_ms=100).confirm("k")
        assert (commands.flushes, durable.flushes) == before
        operations = Operations(commands, clock=NoWaiting(), deadline_ms=300, durable=durable)
        with frozen(servers.replica), pytest.raises(StoreUnavailable):
            await operations.confirm("k")
        assert await answered(durable, "k") == 1
        await operations.confirm("k")
    await commands.aclose()


async def test_one_dead_connection_speaks_for_those_that_lie_idle():
    """The next attempt finds none that would be waited for in vain as well."""
    async with replicated(delay=0.1) as servers:
        port = servers.master.addresses[0].port
        durable = DurableCommands(connect(replace(servers.master, command_timeout=1.5)), PATIENCE)

        def connections() -> int:
            return _ask(port, "CLIENT LIST TYPE NORMAL").count("cmd=wait")

        assert await answered(durable, "k") == 1
        writing = []
        with frozen(servers.replica):
            for number in range(8):  # each in a tick of its own, while those before are waited for
                writing.append(asyncio.create_task(answered(durable, f"k{number}")))
                await asyncio.to_thread(_ask, port, "PING")
        assert await asyncio.gather(*writing) == [1] * 8
        assert connections() == 8
        with frozen(servers.master), pytest.raises(StoreFault):
            await durable.evaluate(ONCE, ["k"], ["op"])
        await asyncio.to_thread(_until, lambda: connections() == 0)
        assert await answered(durable, "k") == 1
        await durable.aclose()


async def test_more_replicas_than_there_are_are_never_there():
    """Two are wanted, one is connected: nothing counts."""
    with replicated_directly() as servers:
        wait = ReplicaWait(replicas=2, milliseconds=20)
        durable = DurableCommands(connect(servers.master), wait)
        with pytest.raises(StoreFault):
            await durable.evaluate(ONCE, ["k"], ["op"])
        await durable.aclose()


async def test_the_user_of_the_documentation_may_wait():
    """With the one right more that it names."""
    text = (Path(__file__).parents[3] / "docs/configuration.md").read_text("utf-8")
    (rights,) = re.findall(r"`(~ciba:\* [^`]*)`", text)
    assert "`+wait`" in text
    user = ["--user", "app", "on", ">secret", *rights.split(), "+wait"]
    with replicated_directly(*user) as servers:
        target = replace(servers.master, username="app", password="secret")
        durable = DurableCommands(connect(target), PATIENCE)
        assert await answered(durable, "ciba:{x}:key") == 1
        await durable.aclose()


@pytest.mark.parametrize("key", ["ciba:{p17}:tx:abc", "ciba:clients", "open{ended"])
def test_what_is_written_last_is_in_the_slot_of_what_was_before(key: str):
    """So that in a cluster it goes to the same node."""
    assert key_slot(fence_key(key).encode()) == key_slot(key.encode())
