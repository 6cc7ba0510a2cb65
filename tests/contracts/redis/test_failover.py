"""When the master changes: a promoted replica behind Sentinel, a slot that moves in a cluster."""

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from redis.crc import key_slot

from ciba_service.ports import StoreUnavailable
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.driver.faults import StoreFault
from ciba_service.stores.driver.replicas import DurableCommands
from ciba_service.stores.driver.run import run
from ciba_service.stores.driver.script import Script
from ciba_service.stores.driver.subscription import Message, Subscription, SubscriptionEvent
from ciba_service.stores.driver.target import Address, RedisMode, RedisTarget, ReplicaWait
from ciba_service.stores.evidence.evidence_queue import RedisEvidence
from ciba_service.stores.keys import evidence_key
from ciba_service.stores.operations import Operations
from tests.ports import free_port
from tests.redis.replicated import AT_ONCE, follow, frozen
from tests.redis.servers import REDIS_SERVER, _ask, _until, redis_server

COUNT = Script.of(
    "count",
    "local n = redis.call('INCR', KEYS[1]) redis.call('PEXPIRE', KEYS[1], 60000) return n",
)

EXISTING = Script.of("existing", "return {redis.call('EXISTS', KEYS[1])}")


class WallClock:
    """Time as it is."""

    def now_ms(self) -> int:
        """Unused here."""
        return 0

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@contextlib.asynccontextmanager
async def commands_to(target: RedisTarget) -> AsyncIterator[Commands]:
    """The way to a server, closed afterwards."""
    commands = Commands(connect(target))
    try:
        yield commands
    finally:
        await commands.aclose()


@contextlib.asynccontextmanager
async def durable_to(target: RedisTarget, milliseconds: int) -> AsyncIterator[DurableCommands]:
    """Likewise the way of what a replica must have."""
    commands = DurableCommands(connect(target), ReplicaWait(1, milliseconds))
    try:
        yield commands
    finally:
        await commands.aclose()


async def count(commands: Commands, key: str = "n", deadline_ms: int = 20_000) -> int:
    """Count once more, repeating until it succeeds."""
    answer: int = await run(
        lambda: commands.evaluate(COUNT, [key], []), deadline_ms=deadline_ms, clock=WallClock()
    )
    return answer


def kill(server: Address) -> None:
    """End a server, and wait until it is gone."""
    os.kill(process_of(server.port), signal.SIGKILL)
    _until(lambda: _ask(server.port, "PING") != "+PONG")


# --- Sentinel ---


@contextlib.contextmanager
def watched(directory: Path, replicas: int = 1) -> Iterator[tuple[RedisTarget, int, int]]:
    """A master with replicas, and a sentinel that soon holds a silent master to be down."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(redis_server(*AT_ONCE)) for _ in range(1 + replicas)]
        master_port, replica_port, *_ = (server.addresses[0].port for server in servers)
        for replica in servers[1:]:
            follow(replica, master_port)
        _until(lambda: _ask(master_port, "INFO replication").count("state=online") == replicas)
        port = free_port()
        configuration = directory / "sentinel.conf"
        configuration.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {directory}\n"
            f"sentinel monitor bank 127.0.0.1 {master_port} 1\n"
            "sentinel down-after-milliseconds bank 500\nsentinel failover-timeout bank 3000\n",
            "ascii",
        )
        sentinel = subprocess.Popen(  # noqa: S603  (the command is written here)
            [str(REDIS_SERVER), str(configuration), "--sentinel"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            _until(
                lambda: f"num-slaves\r\n$1\r\n{replicas}" in _ask(port, "SENTINEL MASTERS"),
                sentinel,
            )
            target = RedisTarget(
                mode=RedisMode.SENTINEL,
                addresses=(Address("127.0.0.1", port),),
                master_name="bank",
                command_timeout=0.5,
            )
            yield target, master_port, replica_port
        finally:
            sentinel.kill()
            sentinel.wait()


def process_of(port: int) -> int:
    """The number of a server's process."""
    return int(_ask(port, "INFO server").partition("process_id:")[2].split()[0])


async def test_a_frozen_master_is_replaced_by_its_replica(tmp_path: Path):
    """Operations go on with the new master, also when the old one comes back."""
    with watched(tmp_path) as (target, master_port, replica_port):
        frozen = process_of(master_port)
        async with commands_to(target) as commands:
            assert await count(commands) == 1
            _until(lambda: _ask(replica_port, "GET n") == "$1\r\n1")
            os.kill(frozen, signal.SIGSTOP)
            try:
                assert await count(commands) == 2
                assert "role:master" in _ask(replica_port, "INFO replication")
            finally:
                os.kill(frozen, signal.SIGCONT)
            assert "role:master" in _ask(master_port, "INFO replication")  # It does not know yet.
            assert [await count(commands) for _ in range(5)] == [3, 4, 5, 6, 7]


async def test_a_master_that_its_replica_has_left_gets_no_more_writes(tmp_path: Path):
    """With `min-replicas-to-write` an operator's failover loses nothing.

    The old master goes on for seconds as if nothing had happened; whoever still has a connection
    to it would write what nobody will ever read.
    """
    with watched(tmp_path) as (target, master_port, replica_port):
        _ask(master_port, "CONFIG SET min-replicas-to-write 1")
        async with commands_to(target) as commands:
            assert await count(commands) == 1
            # A replica that has just joined counts as one before anything is streamed to it.
            _until(lambda: _ask(replica_port, "GET n") == "$1\r\n1")
            sentinel = target.addresses[0].port
            _until(lambda: _ask(sentinel, "SENTINEL FAILOVER bank") == "+OK")
            await asyncio.to_thread(
                _until, lambda: "role:master" in _ask(replica_port, "INFO replication")
            )
            assert "role:master" in _ask(master_port, "INFO replication")
            counted = [await count(commands, deadline_ms=5_000) for _ in range(5)]
            assert counted == [2, 3, 4, 5, 6]
        assert _ask(replica_port, "GET n") == "$1\r\n6"


async def test_writes_that_wait_for_replicas_go_on_after_a_failover(tmp_path: Path):
    """What was counted before the master died is counted; then the other replica is waited for."""
    with watched(tmp_path, replicas=2) as (target, master_port, _):
        async with durable_to(target, 500) as durable, commands_to(target) as commands:
            assert [await count(durable) for _ in range(3)] == [1, 2, 3]
            os.kill(process_of(master_port), signal.SIGKILL)
            # Whatever was in doubt may have been counted, too.
            again = await count(durable)
            assert again >= 4
            assert await count(durable) == again + 1
            assert await count(commands) == again + 2


# --- Cluster ---


@contextlib.contextmanager
def two_nodes() -> Iterator[tuple[RedisTarget, Address, Address]]:
    """A cluster of two: the first owns every slot but the last."""
    with contextlib.ExitStack() as stack:
        addresses = []
        for _ in range(2):
            node = stack.enter_context(
                redis_server(
                    "--cluster-enabled", "yes", "--cluster-port", str(free_port()), *AT_ONCE
                )
            )
            addresses.append(node.addresses[0])
        first, second = addresses
        _ask(first.port, "CLUSTER ADDSLOTSRANGE 0 16382")
        _ask(second.port, "CLUSTER ADDSLOTS 16383")
        _ask(second.port, "CLUSTER SET-CONFIG-EPOCH 2")
        bus = _ask(second.port, "CLUSTER NODES").partition("@")[2].split()[0].split(",")[0]
        _ask(first.port, f"CLUSTER MEET 127.0.0.1 {second.port} {bus}")
        for address in addresses:
            _until(lambda port=address.port: "cluster_state:ok" in _ask(port, "CLUSTER INFO"))
            _until(lambda port=address.port: "cluster_known_nodes:2" in _ask(port, "CLUSTER INFO"))
        yield RedisTarget(mode=RedisMode.CLUSTER, addresses=(first,)), first, second


def node_id(address: Address) -> str:
    """What a node calls itself."""
    return _ask(address.port, "CLUSTER MYID").splitlines()[-1]


def slot_of(address: Address, key: str) -> int:
    """The slot of a key."""
    return int(_ask(address.port, f"CLUSTER KEYSLOT {key}").lstrip(":"))


def key_at(slot: int) -> str:
    """A key in the slot."""
    return next(f"k{number}" for number in itertools.count() if key_slot(b"k%d" % number) == slot)


async def test_a_slot_that_moves_takes_its_keys_along_and_loses_no_operation():
    """ASK while it moves, MOVED when it has; the script runs once each time, where the key is."""
    with two_nodes() as (target, first, second):
        async with commands_to(target) as commands:
            assert await count(commands, "a{x}") == 1
            slot, here, there = slot_of(first, "{x}"), node_id(first), node_id(second)
            _ask(second.port, f"CLUSTER SETSLOT {slot} IMPORTING {here}")
            _ask(first.port, f"CLUSTER SETSLOT {slot} MIGRATING {there}")
            assert await count(commands, "a{x}") == 2  # still at the first
            # ASK: new keys are made at the second.
            counted = await asyncio.gather(*(count(commands, "b{x}") for _ in range(20)))
            assert sorted(counted) == list(range(1, 21))
            _ask(first.port, f"MIGRATE 127.0.0.1 {second.port} a{{x}} 0 5000")
            assert await count(commands, "a{x}") == 3  # ASK
            for address in (second, first):
                _ask(address.port, f"CLUSTER SETSLOT {slot} NODE {there}")
            for expected in range(4, 8):
                assert await count(commands, "a{x}") == expected  # MOVED, then known
            assert await count(commands, "b{x}") == 21
            assert await count(commands, "other") == 1


async def test_the_first_slot_of_a_new_node_is_followed_there():
    """Until it has arrived the topology does not name the node."""
    settings = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    with two_nodes() as (target, first, _), redis_server(*settings) as joining:
        new = joining.addresses[0]
        told = _ask(first.port, "CLUSTER NODES").partition("myself")[0]
        bus = told.split("@")[-1].split()[0].split(",")[0]
        _ask(new.port, f"CLUSTER MEET 127.0.0.1 {first.port} {bus}")
        for port in (first.port, new.port):
            _until(lambda port=port: "cluster_known_nodes:3" in _ask(port, "CLUSTER INFO"))
        _until(lambda: "cluster_state:ok" in _ask(new.port, "CLUSTER INFO"))
        async with commands_to(target) as commands:
            assert await count(commands, "other") == 1
            slot = slot_of(first, "{x}")
            _ask(new.port, f"CLUSTER SETSLOT {slot} IMPORTING {node_id(first)}")
            _ask(first.port, f"CLUSTER SETSLOT {slot} MIGRATING {node_id(new)}")
            assert [await commands.evaluate(COUNT, ["b{x}"], []) for _ in range(2)] == [1, 2]


async def test_a_slot_whose_owner_is_silent_is_found_at_its_new_owner():
    """A node that takes a slot over is found although the former owner never says so."""
    with two_nodes() as (target, first, second):
        async with commands_to(replace(target, command_timeout=0.5)) as commands:
            assert await count(commands, "a{x}") == 1
            slot, there = slot_of(first, "{x}"), node_id(second)
            silent = process_of(first.port)
            os.kill(silent, signal.SIGSTOP)
            try:
                _ask(second.port, f"CLUSTER SETSLOT {slot} NODE {there}")
                _ask(second.port, "CONFIG SET cluster-require-full-coverage no")
                assert await count(commands, "a{x}") == 1
            finally:
                os.kill(silent, signal.SIGCONT)


async def test_a_frozen_node_holds_up_nobody_whose_keys_are_elsewhere():
    """However many wait for it, the other one is asked as ever, in the very same tick, too."""
    there = key_at(16383)
    with two_nodes() as (target, _, second):
        patient = Commands(connect(replace(target, command_timeout=30.0)), max_batch=1)
        assert await asyncio.gather(count(patient, "here"), count(patient, there)) == [1, 1]
        with frozen(RedisTarget(addresses=(second,))):
            waiting = [patient.issue("GET", there) for _ in range(20)]
            async with asyncio.timeout(10):
                assert [await count(patient, "here") for _ in range(3)] == [2, 3, 4]
            assert not any(each.done() for each in waiting)
        assert await asyncio.gather(*waiting) == [b"1"] * 20
        await patient.aclose()


async def test_a_dead_node_fails_nobody_whose_keys_are_elsewhere():
    """Nor is the topology asked for at each of its faults."""
    there = key_at(16383)
    with two_nodes() as (target, first, second):
        async with commands_to(target) as commands:
            assert await asyncio.gather(count(commands, "here"), count(commands, there)) == [1, 1]
            kill(second)
            for number in range(40):
                here, gone = await asyncio.gather(
                    commands.evaluate(COUNT, ["here"], []),
                    commands.evaluate(COUNT, [there], []),
                    return_exceptions=True,
                )
                assert here == number + 2
                assert isinstance(gone, StoreFault)
        stats = _ask(first.port, "INFO commandstats")
        looks = int(stats.partition("cmdstat_cluster|slots:calls=")[2].partition(",")[0])
        assert looks < 20


QUESTION = b"anybody?"


async def until_heard(heard: Subscription, commands: Commands, channel: str) -> None:
    """Ask until the question itself arrives; what comes too early is not promised to anybody."""
    while True:
        await commands.call("SPUBLISH", channel, QUESTION)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while await anext(heard) != Message(channel, QUESTION):
                    pass
                return


async def next_but_questions(heard: Subscription) -> SubscriptionEvent:
    """The next that is no question."""
    while isinstance(event := await anext(heard), Message) and event.data == QUESTION:
        pass
    return event


async def test_a_dead_node_makes_nobody_deaf_to_the_others():
    """What is published elsewhere arrives, and nobody has to look for what they missed."""
    channels = "here", key_at(16383)
    with two_nodes() as (target, first, second):
        quick = replace(target, addresses=(first, second), command_timeout=0.5)
        async with commands_to(quick) as commands, Subscription(quick, commands, channels) as heard:
            for channel in channels:
                await until_heard(heard, commands, channel)
            kill(second)
            with pytest.raises(StoreFault):
                await commands.call("SPUBLISH", channels[1], QUESTION)
            for number in range(100):
                assert await commands.call("SPUBLISH", "here", b"%d" % number) == 1
                assert await next_but_questions(heard) == Message("here", b"%d" % number)
            assert heard.ready.is_set()


async def test_a_dead_node_makes_nobody_deaf_to_what_was_beside_its_channels():
    """They were on one node when they were subscribed; one of them has moved since."""
    with two_nodes() as (target, first, second):
        channels = "here", "moving"
        slot, there = slot_of(first, "moving"), node_id(second)
        quick = replace(target, addresses=(first, second), command_timeout=0.5)
        async with commands_to(quick) as commands, Subscription(quick, commands, channels) as heard:
            for channel in channels:
                await until_heard(heard, commands, channel)
            for address in (second, first):
                _ask(address.port, f"CLUSTER SETSLOT {slot} NODE {there}")
            for channel in channels:
                await until_heard(heard, commands, channel)
            kill(second)
            for number in range(100):
                assert await commands.call("SPUBLISH", "here", b"%d" % number) == 1
                assert await next_but_questions(heard) == Message("here", b"%d" % number)
            assert heard.ready.is_set()


async def test_of_many_keys_those_are_answered_for_whose_nodes_are_alive():
    """Due work of the others goes on; where nobody answers it is a fault."""
    keys = ["here", key_at(16383), "a{x}"]
    with two_nodes() as (target, first, second):
        quick = replace(target, addresses=(first, second), command_timeout=0.5)
        async with commands_to(quick) as commands:
            assert await commands.evaluate_each(EXISTING, keys, []) == [0, 0, 0]
            kill(second)
            assert await commands.evaluate_each(EXISTING, keys, []) == [0, None, 0]
            kill(first)
            with pytest.raises(StoreFault):
                await commands.evaluate_each(EXISTING, keys, [])


async def test_evidence_is_not_counted_as_long_as_a_part_is_silent():
    """Less than there is would say that all is written; what answers is drained meanwhile."""
    with two_nodes() as (target, first, second):
        slot, its_node = slot_of(first, evidence_key(0)), node_id(second)
        for address in (second, first):
            _ask(address.port, f"CLUSTER SETSLOT {slot} NODE {its_node}")
        quick = replace(target, addresses=(first, second), command_timeout=0.5)
        async with commands_to(quick) as commands:
            operations = Operations(commands, clock=WallClock(), deadline_ms=10_000)
            evidence = RedisEvidence(operations, lambda: "operation")
            for partition in (0, 1):
                await commands.call("RPUSH", evidence_key(partition), "record")
            assert await evidence.waiting() == 2
            assert await evidence.partitions() == [0, 1]
            silent = process_of(second.port)
            os.kill(silent, signal.SIGSTOP)
            try:
                with pytest.raises(StoreUnavailable):
                    await evidence.waiting()
                assert await evidence.partitions() == [1]
            finally:
                os.kill(silent, signal.SIGCONT)
            assert await evidence.waiting() == 2


@pytest.mark.parametrize("dead", [0, 1])
async def test_the_time_is_told_as_long_as_a_node_is_alive(dead: int):
    """Whichever it is: readiness does not hang on one of them."""
    with two_nodes() as (target, *nodes):
        quick = replace(target, addresses=tuple(nodes), command_timeout=0.5)
        async with commands_to(quick) as commands:
            assert await count(commands) == 1
            kill(nodes[dead])
            told = await run(lambda: commands.call("TIME"), deadline_ms=10_000, clock=WallClock())
            assert len(told) == 2


@contextlib.contextmanager
def with_replicas(nodes: Sequence[Address]) -> Iterator[list[RedisTarget]]:
    """A replica of each node."""
    with contextlib.ExitStack() as stack:
        replicas = []
        for node in nodes:
            settings = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()), *AT_ONCE)
            replica = stack.enter_context(redis_server(*settings))
            own = replica.addresses[0].port
            for each in nodes:
                told = _ask(each.port, "CLUSTER NODES").partition("myself")[0]
                bus = told.split("@")[-1].split()[0].split(",")[0]
                _ask(own, f"CLUSTER MEET 127.0.0.1 {each.port} {bus}")
            name = node_id(node)
            _until(lambda own=own, name=name: _ask(own, f"CLUSTER REPLICATE {name}") == "+OK")
            _until(lambda port=node.port: "state=online" in _ask(port, "INFO replication"))
            replicas.append(replica)
        known = f"cluster_known_nodes:{2 * len(nodes)}"
        for node in nodes:
            _until(lambda port=node.port: known in _ask(port, "CLUSTER INFO"))
        yield replicas


async def test_each_node_of_a_cluster_waits_for_its_own_replicas():
    """Where a replica lags nothing counts, elsewhere everything does, in the same batch."""
    here, there = "here", key_at(16383)
    with two_nodes() as (target, first, second), with_replicas((first, second)) as replicas:
        async with durable_to(target, 200) as durable:
            assert await asyncio.gather(count(durable, here), count(durable, there)) == [1, 1]
            with frozen(replicas[1]):
                for _ in range(2):
                    answers = await asyncio.gather(
                        *(durable.evaluate(COUNT, [key], []) for key in (here, there)),
                        return_exceptions=True,
                    )
                    assert isinstance(answers[1], StoreFault)
                with pytest.raises(StoreFault, match="replicas"):
                    await durable.evaluate(COUNT, [there], [])
            # Of three while the replica lagged only the first was run.
            assert await count(durable, there) == 3
            assert await count(durable, here) == 4


async def test_a_slot_that_has_moved_is_waited_for_where_it_is():
    """Nothing is sent on to another node, over a connection on which nobody waits."""
    with two_nodes() as (target, first, second), with_replicas((first, second)) as replicas:
        async with durable_to(target, 500) as durable:
            assert await count(durable, "a{x}") == 1
            slot, there = slot_of(first, "{x}"), node_id(second)
            for node in (second, first):
                _ask(node.port, "CONFIG SET cluster-require-full-coverage no")
            _ask(second.port, f"CLUSTER SETSLOT {slot} IMPORTING {node_id(first)}")
            _ask(first.port, f"CLUSTER SETSLOT {slot} MIGRATING {there}")
            _ask(first.port, f"MIGRATE 127.0.0.1 {second.port} a{{x}} 0 5000")
            for node in (second, first):
                _ask(node.port, f"CLUSTER SETSLOT {slot} NODE {there}")
            assert await count(durable, "a{x}") == 2
            with frozen(replicas[1]), pytest.raises(StoreFault, match="replicas"):
                await durable.evaluate(COUNT, ["a{x}"], [])


async def test_a_slot_that_moves_costs_the_others_nothing():
    """Whatever is batched with its commands is waited for as ever."""
    with two_nodes() as (target, first, second), with_replicas((first, second)):
        async with durable_to(target, 5_000) as durable:
            assert await count(durable, "here") == 1
            slot = slot_of(first, "{x}")
            _ask(second.port, f"CLUSTER SETSLOT {slot} IMPORTING {node_id(first)}")
            _ask(first.port, f"CLUSTER SETSLOT {slot} MIGRATING {node_id(second)}")
            for expected in range(2, 6):
                answers = await asyncio.gather(
                    *(durable.evaluate(COUNT, [key], []) for key in ("here", "b{x}")),
                    return_exceptions=True,
                )
                assert answers[0] == expected
                assert isinstance(answers[1], StoreFault)


async def test_a_promoted_replica_of_a_cluster_has_what_was_waited_for():
    """The master of its slots dies and a replica takes them: nothing counted is forgotten."""
    with two_nodes() as (target, first, second), with_replicas((first, second)) as replicas:
        quick = replace(target, addresses=(second,), command_timeout=0.5)
        async with durable_to(quick, 300) as durable, commands_to(quick) as commands:
            counted = [await count(durable, "here") for _ in range(3)]
            os.kill(process_of(first.port), signal.SIGKILL)
            heir = replicas[0].addresses[0].port
            _until(lambda: _ask(heir, "CLUSTER FAILOVER TAKEOVER") == "+OK")
            assert counted == [1, 2, 3]
            assert await count(commands, "here") == 4
            # It has no replica of its own yet.
            with pytest.raises(StoreFault):
                await durable.evaluate(COUNT, ["here"], [])
