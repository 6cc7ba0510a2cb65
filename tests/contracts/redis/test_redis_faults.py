"""A Redis that is frozen, full, read-only, busy, loading, moved or gone: faults, then healed."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from ciba_service.ports import StoreUnavailable
from ciba_service.settings import StoreSettings
from ciba_service.stores.driver.cluster_pipeline import ClusterPipeline
from ciba_service.stores.driver.commands import Commands, StoreFault
from ciba_service.stores.driver.connection import connect, connect_node, disconnect
from ciba_service.stores.driver.pipelines import Request, ServerPipeline
from ciba_service.stores.driver.run import run
from ciba_service.stores.driver.script import Script
from ciba_service.stores.driver.target import Address, RedisMode, RedisTarget
from tests.ports import free_port
from tests.redis.servers import REDIS_SERVER, _ask, _until, cluster_node, redis_server

COUNT = Script.of(
    "count",
    "local n = redis.call('INCR', KEYS[1]) redis.call('PEXPIRE', KEYS[1], 60000) return n",
)


class WallClock:
    """Time as it is."""

    def now_ms(self) -> int:
        """Unused here."""
        return 0

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@contextlib.asynccontextmanager
async def commands_to(target: RedisTarget, *, max_batch: int = 512) -> AsyncIterator[Commands]:
    """The way to a server, closed afterwards."""
    commands = Commands(connect(target), max_batch=max_batch)
    try:
        yield commands
    finally:
        await commands.aclose()


@contextlib.asynccontextmanager
async def operator_of(target: RedisTarget) -> AsyncIterator[Redis]:
    """A client for doing to a server what operators and accidents do."""
    client = connect_node(replace(target, mode=RedisMode.SINGLE), target.addresses[0])
    try:
        yield client
    finally:
        await disconnect(client)


async def count(commands: Commands, key: str = "n", deadline_ms: int = 10_000) -> int:
    """Count once more, repeating until it succeeds."""
    answer: int = await run(
        lambda: commands.evaluate(COUNT, [key], []), deadline_ms=deadline_ms, clock=WallClock()
    )
    return answer


async def until_refused(commands: Commands) -> None:
    """Write until the server takes no more."""
    while True:
        await commands.evaluate(COUNT, ["other"], [])


# --- A server that does not answer ---


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process, and let it go on."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_frozen_server_is_a_fault_and_its_late_answers_reach_nobody():
    """Each caller learns it in time; afterwards no caller gets the answer to another's command."""
    with redis_server() as target:
        async with operator_of(target) as operator:
            pid = (await operator.info("server"))["process_id"]
        async with commands_to(replace(target, command_timeout=0.2), max_batch=1) as commands:
            for key in "abc":
                await commands.call("SET", key, key)
            with frozen(pid):
                answers = await asyncio.gather(
                    *(commands.call("GET", "a") for _ in range(8)), return_exceptions=True
                )
                assert {type(answer) for answer in answers} == {StoreFault}
                with pytest.raises(StoreUnavailable):
                    await count(commands, deadline_ms=300)
            for _ in range(20):
                answers = await asyncio.gather(*(commands.call("GET", key) for key in "abc"))
                assert answers == [b"a", b"b", b"c"]


class Line:
    """A network between us and a server, in which connections can go silent without ending."""

    def __init__(self, upstream: Address) -> None:
        self.address = Address("127.0.0.1", 0)
        self._upstream = upstream
        self._pumps: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    def lead_to(self, upstream: Address) -> None:
        """Whoever connects from now on is somewhere else."""
        self._upstream = upstream

    def cut(self) -> int:
        """Carry nothing more on what is open now, and tell neither side; counts connections."""
        for pump in self._pumps:
            pump.cancel()
        return len(self._pumps) // 2

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes both ways."""
        there, back = await asyncio.open_connection(self._upstream.host, self._upstream.port)
        self._writers += [writer, back]
        for source, sink in ((reader, back), (there, writer)):
            pump = asyncio.create_task(_pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def aclose(self) -> None:
        """End everything."""
        self.cut()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(w.wait_closed() for w in self._writers), return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while received := await reader.read(65536):
            writer.write(received)
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def line_to(target: RedisTarget) -> AsyncIterator[tuple[Line, RedisTarget]]:
    """A line, and the target at its end."""
    line = Line(target.addresses[0])
    server = await asyncio.start_server(line.accept, "127.0.0.1", 0)
    line.address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
    try:
        yield line, replace(target, addresses=(line.address,))
    finally:
        server.close()
        await line.aclose()


async def test_one_dead_connection_costs_one_wait():
    """After one command has waited in vain, the next ones go over a new connection."""
    with redis_server() as direct:
        # The product's own timeouts: shorter ones take a busy server for a dead one.
        async with (
            line_to(direct) as (line, target),
            commands_to(target, max_batch=1) as commands,
        ):
            await asyncio.gather(*(commands.call("EXISTS", "n") for _ in range(8)))
            assert line.cut() == 1
            with pytest.raises(StoreFault):
                await commands.call("EXISTS", "n")
            answers = await asyncio.gather(*(commands.call("EXISTS", "n") for _ in range(8)))
            assert answers == [0] * 8


@pytest.mark.parametrize("deadline_ms", [500, 5_000])
async def test_a_dead_connection_leaves_time_for_another_attempt(deadline_ms: int):
    """With what an operator configures, a silent connection costs time, and no answer."""
    with redis_server() as direct:
        async with line_to(direct) as (line, through):
            url = f"redis://127.0.0.1:{through.addresses[0].port}"
            target = StoreSettings(url=url, deadline_ms=deadline_ms).target()
            async with commands_to(target) as commands:
                assert await count(commands) == 1
                line.cut()
                assert await count(commands, deadline_ms=deadline_ms) == 2


async def test_connections_that_the_server_ends_are_made_anew():
    """One that has gone is found out before it is used; nothing is lost."""
    with redis_server() as target:
        async with commands_to(target, max_batch=1) as commands, operator_of(target) as operator:
            await asyncio.gather(*(commands.call("EXISTS", "n") for _ in range(8)))
            await operator.client_kill_filter(_type="normal", skipme=True)
            assert [await count(commands) for _ in range(8)] == list(range(1, 9))


# --- A server that refuses for the moment ---


@pytest.mark.parametrize(
    ("setting", "refusing", "well", "kind"),
    [
        ("maxmemory", "1", "0", "OutOfMemoryError"),
        ("min-replicas-to-write", "1", "0", "NOREPLICAS"),
    ],
)
async def test_a_server_that_takes_no_writes_is_a_fault_until_it_does(
    setting: str, refusing: str, well: str, kind: str
):
    """Full, or without the replicas it wants: nothing ran, nothing is lost, and it heals."""
    with redis_server("--maxmemory-policy", "noeviction") as target:
        async with commands_to(target) as commands, operator_of(target) as operator:
            assert await count(commands) == 1
            await operator.config_set(setting, refusing)
            with pytest.raises(StoreFault, match=kind):
                await commands.evaluate(COUNT, ["n"], [])
            assert await commands.call("GET", "n") == b"1"
            waiting = asyncio.create_task(count(commands))
            await operator.config_set(setting, well)
            assert await waiting == 2


async def test_a_server_that_cannot_save_is_a_fault(tmp_path: Path):
    """MISCONF is the disk's fault, and no mistake of ours."""
    with redis_server("--save", "3600 100000", "--dir", str(tmp_path)) as target:
        # In the place of the file that it would write.
        os.mkdir(tmp_path / "dump.rdb")  # noqa: PTH102
        async with commands_to(target) as commands, operator_of(target) as operator:
            assert await count(commands) == 1
            await operator.bgsave()
            while (await operator.info("persistence"))["rdb_last_bgsave_status"] != "err":
                pass
            with pytest.raises(StoreFault, match="MISCONF"):
                await commands.evaluate(COUNT, ["n"], [])


async def test_a_server_busy_with_a_script_is_a_fault_until_it_is_ended():
    """BUSY passes when an operator ends the script."""
    with redis_server("--busy-reply-threshold", "10") as target:
        async with commands_to(target) as commands, operator_of(target) as operator:
            assert await count(commands) == 1
            endless = asyncio.create_task(operator.eval("while true do end", 0))
            with pytest.raises(StoreFault, match="BUSY"):
                await until_refused(commands)
            waiting = asyncio.create_task(count(commands))
            async with operator_of(target) as second:
                await second.script_kill()
            assert await waiting == 2
            with pytest.raises(Exception, match="killed by user"):
                await endless


async def test_a_server_that_reads_its_data_is_a_fault_until_it_has(tmp_path: Path):
    """After a restart a large server answers LOADING; then everything is there."""
    settings = ["--dir", str(tmp_path)]
    with redis_server(*settings) as target:
        async with commands_to(target) as commands, operator_of(target) as operator:
            assert await count(commands) == 1
            await operator.eval("for i = 1, 2000 do redis.call('SET', 'k' .. i, i) end", 0)
            await operator.save()
    slow = ["--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024"]
    port = free_port()
    command = [str(REDIS_SERVER), "--bind", "127.0.0.1", "--port", str(port), *settings, *slow]
    server = await asyncio.create_subprocess_exec(
        *command, "--save", "", stdout=asyncio.subprocess.DEVNULL
    )
    try:
        _until(lambda: "LOADING" in _ask(port, "PING"))
        target = RedisTarget(addresses=(Address("127.0.0.1", port),))
        async with commands_to(target) as commands, operator_of(target) as operator:
            with pytest.raises(StoreFault, match="loading"):
                await commands.evaluate(COUNT, ["n"], [])
            waiting = asyncio.create_task(count(commands, deadline_ms=30_000))
            await operator.config_set("key-load-delay", "0")
            assert await waiting == 2
    finally:
        server.kill()
        await server.wait()


# --- A server that is another's replica ---


async def test_a_master_that_became_a_replica_is_a_fault_until_it_is_master_again():
    """READONLY is no mistake of ours: whoever is behind the address may be another one soon."""
    with redis_server() as target, redis_server() as other:
        async with commands_to(target) as commands, operator_of(target) as operator:
            assert await count(commands) == 1
            await operator.replicaof("127.0.0.1", other.addresses[0].port)
            with pytest.raises(StoreFault, match="ReadOnlyError"):
                await commands.evaluate(COUNT, ["m"], [])
            waiting = asyncio.create_task(count(commands, "m"))
            await operator.replicaof("NO", "ONE")
            assert await waiting == 1


async def test_connections_of_a_suspect_node_are_left_while_others_take_them():
    """A look at the topology closes none that a command has just taken: all get their answers."""
    with cluster_node() as target:
        client = connect(target)
        pipeline = ClusterPipeline(client)
        request = Request("GET", (b"nothing",), b"")
        try:
            await asyncio.gather(*(pipeline.send([request]) for _ in range(8)))
            node = client.get_primaries()[0]
            for _ in range(20):
                looking = asyncio.create_task(pipeline._look_again([node]))
                answers = await asyncio.gather(*(pipeline.send([request]) for _ in range(8)))
                assert answers == [[None]] * 8
                await looking
        finally:
            await pipeline.aclose()
            await disconnect(client)


async def test_a_connection_given_up_before_it_was_made_is_made_when_it_is_needed():
    """Whoever waited for it is told, and nobody after them waits for ever."""
    with redis_server() as target:
        client = connect(target)
        pipeline = ServerPipeline(client, connect_seconds=5)
        ping = Request("PING", (), b"*1\r\n$4\r\nPING\r\n")
        outcomes: asyncio.Queue[object] = asyncio.Queue()
        try:
            pipeline.send([ping], outcomes.put_nowait)
            await pipeline.aclose()
            assert isinstance(await outcomes.get(), RedisConnectionError)
            pipeline.send([ping], outcomes.put_nowait)
            assert await asyncio.wait_for(outcomes.get(), 5) == [b"PONG"]
        finally:
            await pipeline.aclose()
            await disconnect(client)


async def test_a_cluster_that_comes_back_elsewhere_is_found_by_the_name_it_is_configured_by():
    """Every address that its nodes told of themselves is gone."""
    with cluster_node() as before, cluster_node() as after:
        async with line_to(before) as (line, target), commands_to(target) as commands:
            assert [await count(commands) for _ in range(2)] == [1, 2]
            async with operator_of(before) as operator:
                os.kill((await operator.info("server"))["process_id"], signal.SIGKILL)
            line.lead_to(after.addresses[0])
            assert await count(commands) == 1
