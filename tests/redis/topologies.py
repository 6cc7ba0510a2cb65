"""Redis as large installations have it: a cluster of six, and a master that sentinels watch."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

from redis.connection import Connection
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import ResponseError

from ciba_service.stores.driver.target import Address, RedisMode, RedisTarget
from tests.ports import free_port
from tests.redis.servers import REDIS_SERVER, _ask, _until, redis_server, scratch_directory

__all__ = [
    "CALM_MS",
    "HASTY_MS",
    "RedisCluster",
    "WatchedMaster",
    "cluster_of_six",
    "watched_by_three",
]

_MASTERS = 3
_SLOTS = 16_384
CALM_MS, HASTY_MS = 15_000, 500
"""After which a silent node is held to be down: never beside other work, or as soon as may be."""

_HASTE = "publish-period 100 info-period 200 ping-period 100 ask-period 100 election-timeout 500"


@dataclass(frozen=True)
class RedisCluster:
    """Three masters and a replica for each, by their ports."""

    target: RedisTarget
    ports: tuple[int, ...]

    def owner(self, slot: int) -> int:
        """The port of the living master that has a slot, as all say that know."""
        for port in self.ports:
            for line in _call(port, "CLUSTER", "NODES").splitlines():
                node = _Node.parse(line)
                if node.has(slot) and "fail" not in node.flags:
                    return node.port
        raise LookupError(slot)

    def slot_of(self, key: str) -> int:
        """Where a key is."""
        return int(_ask(self._living(), f"CLUSTER KEYSLOT {key}").removeprefix(":"))

    def replicated(self, port: int) -> None:
        """Wait until its replicas have all that a master has now."""
        _until_replicated(port)

    def kill(self, port: int) -> None:
        """End a node as a power cut would."""
        os.kill(_process_of(port), signal.SIGKILL)

    def move(self, slot: int) -> None:
        """Give a slot to another master, key by key, as ``redis-cli --cluster reshard`` does."""
        self.finish_move(slot, *self.start_move(slot))

    def start_move(self, slot: int) -> tuple[int, int]:
        """Let another master import a slot; the ports of the master that has it and of that one."""
        source = self.owner(slot)
        target = next(port for port in (self.owner(n) for n in _first_slots()) if port != source)
        _order(target, f"CLUSTER SETSLOT {slot} IMPORTING {_name_of(source)}")
        _order(source, f"CLUSTER SETSLOT {slot} MIGRATING {_name_of(target)}")
        return source, target

    def carry(self, key: str, source: int, target: int) -> None:
        """Bring one key from the one to the other."""
        moved = _call(source, "MIGRATE", "127.0.0.1", target, key, 0, 5000)
        if moved not in {"OK", "NOKEY"}:
            raise RuntimeError(moved)

    def finish_move(self, slot: int, source: int, target: int) -> None:
        """Bring what is left, and make the other its owner."""
        while names := _call(source, "CLUSTER", "GETKEYSINSLOT", slot, 1):
            self.carry(names[0], source, target)
        for port in (target, source):
            _order(port, f"CLUSTER SETSLOT {slot} NODE {_name_of(target)}")

    def _living(self) -> int:
        return next(port for port in self.ports if _ask(port, "PING") == "+PONG")


@dataclass(frozen=True)
class _Node:
    port: int
    flags: str
    ranges: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, line: str) -> "_Node":
        words = line.split()
        if len(words) < 8 or ":" not in words[1]:
            return cls(0, "fail", ())
        ranges = [word.partition("-")[::2] for word in words[8:] if not word.startswith("[")]
        port = int(words[1].partition("@")[0].rpartition(":")[2])
        return cls(port, words[2], tuple((int(low), int(high or low)) for low, high in ranges))

    def has(self, slot: int) -> bool:
        return any(low <= slot <= high for low, high in self.ranges)


@contextmanager
def cluster_of_six(patience_ms: int) -> Iterator[RedisCluster]:
    """A cluster with three masters, and a replica for each."""
    with ExitStack() as stack:
        buses = {}
        for _ in range(2 * _MASTERS):
            bus = free_port()
            node = stack.enter_context(
                redis_server(
                    *("--cluster-enabled", "yes", "--cluster-port", str(bus)),
                    *("--cluster-node-timeout", str(patience_ms)),
                    *("--cluster-require-full-coverage", "no"),
                    *("--repl-diskless-sync-delay", "0"),
                )
            )
            buses[node.addresses[0].port] = bus
        ports = tuple(buses)
        _join(ports, buses)
        addresses = tuple(Address("127.0.0.1", port) for port in ports)
        target = RedisTarget(mode=RedisMode.CLUSTER, addresses=addresses, command_timeout=0.5)
        yield RedisCluster(target, ports)


def _join(ports: tuple[int, ...], buses: dict[int, int]) -> None:
    for number, port in enumerate(ports):
        _ask(port, f"CLUSTER SET-CONFIG-EPOCH {number + 1}")
    for port, other in permutations(ports, 2):
        _ask(port, f"CLUSTER MEET 127.0.0.1 {other} {buses[other]}")
    masters, replicas = ports[:_MASTERS], ports[_MASTERS:]
    for number, port in enumerate(masters):
        first, end = (_SLOTS * each // _MASTERS for each in (number, number + 1))
        _ask(port, f"CLUSTER ADDSLOTSRANGE {first} {end - 1}")
    for master, replica in zip(masters, replicas, strict=True):
        order = f"CLUSTER REPLICATE {_name_of(master)}"
        _until(lambda order=order, replica=replica: _ask(replica, order) == "+OK")
    for port in ports:
        _until(lambda port=port: _knows_all(port))
    for port in replicas:
        _until(lambda port=port: "master_link_status:up" in _ask(port, "INFO replication"))


def _knows_all(port: int) -> bool:
    told = _ask(port, "CLUSTER INFO")
    nodes = _call(port, "CLUSTER", "NODES")
    return (
        "cluster_state:ok" in told
        and f"cluster_known_nodes:{2 * _MASTERS}" in told
        and nodes.count(" slave ") + nodes.count("myself,slave") == _MASTERS
    )


@dataclass(frozen=True)
class WatchedMaster:
    """A master with two replicas; three sentinels watch them."""

    target: RedisTarget
    ports: tuple[int, ...]

    def master(self) -> int:
        """The port of who is the master, as a sentinel has it."""
        sentinel = self.target.addresses[0].port
        return int(_call(sentinel, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "bank")[1])

    def kill_master(self) -> None:
        """Once both replicas have all, end it as a power cut would."""
        port = self.master()
        _until_replicated(port)
        os.kill(_process_of(port), signal.SIGKILL)


@contextmanager
def watched_by_three(patience_ms: int) -> Iterator[WatchedMaster]:
    """One master, two replicas, three sentinels of which two must agree."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(scratch_directory()))
        servers = [
            stack.enter_context(redis_server("--repl-diskless-sync-delay", "0")) for _ in range(3)
        ]
        ports = tuple(server.addresses[0].port for server in servers)
        master, *replicas = ports
        for replica in replicas:
            _ask(replica, f"REPLICAOF 127.0.0.1 {master}")
        _until(lambda: "connected_slaves:2" in _ask(master, "INFO replication"))
        sentinels = [
            stack.enter_context(_sentinel(directory, master, patience_ms)) for _ in range(3)
        ]
        known = ("num-slaves\r\n$1\r\n2", "num-other-sentinels\r\n$1\r\n2")
        for port in sentinels:
            _until(lambda port=port: _all_in(known, _ask(port, "SENTINEL MASTERS")))
        yield WatchedMaster(
            RedisTarget(
                mode=RedisMode.SENTINEL,
                addresses=tuple(Address("127.0.0.1", port) for port in sentinels),
                master_name="bank",
                command_timeout=0.5,
            ),
            ports,
        )


@contextmanager
def _sentinel(directory: Path, master: int, patience_ms: int) -> Iterator[int]:
    port = free_port()
    own = directory / str(port)
    own.mkdir()
    configuration = own / "sentinel.conf"
    configuration.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {own}\n"
        f"sentinel monitor bank 127.0.0.1 {master} 2\n"
        f"sentinel down-after-milliseconds bank {patience_ms}\n"
        "sentinel failover-timeout bank 1000\n",
        "ascii",
    )
    watching = subprocess.Popen(  # noqa: S603  (the command is written here)
        [str(REDIS_SERVER), str(configuration), "--sentinel"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        _until(lambda: _ask(port, "PING") == "+PONG", watching)
        # They look round every two and ten seconds otherwise, and vote anew after six.
        _ask(port, f"SENTINEL DEBUG {_HASTE}")
        yield port
    finally:
        watching.kill()
        watching.wait()


def _all_in(words: tuple[str, ...], text: str) -> bool:
    return all(word in text for word in words)


def _first_slots() -> list[int]:
    return [_SLOTS * number // _MASTERS for number in range(_MASTERS)]


def _name_of(port: int) -> str:
    return _ask(port, "CLUSTER MYID").splitlines()[-1]


def _process_of(port: int) -> int:
    return int(_ask(port, "INFO server").partition("process_id:")[2].split()[0])


def _until_replicated(port: int) -> None:
    offset = int(_ask(port, "INFO replication").partition("master_repl_offset:")[2].split()[0])
    _until(lambda: _least_acknowledged(port) >= offset)


def _least_acknowledged(port: int) -> int:
    """How far the replica is that is farthest behind; -1 where there is none."""
    lines = [each for each in _ask(port, "INFO replication").splitlines() if each[:5] == "slave"]
    offsets = (int(line.partition("offset=")[2].split(",")[0]) for line in lines)
    return min(offsets, default=-1)


def _order(port: int, order: str) -> None:
    """Raise what a node refuses."""
    answer = _ask(port, order)
    if answer != "+OK":
        raise RuntimeError(f"{order}: {answer or 'no answer'}")


def _call(port: int, *words: object) -> Any:
    """The answer as it is, or what is wrong; empty when nobody answers."""
    connection = Connection(host="127.0.0.1", port=port, socket_timeout=5, decode_responses=True)
    try:
        connection.connect()
        connection.send_command(*words)
        return connection.read_response()
    except ResponseError as error:
        return f"-{error}"
    except NoConnection:
        return ""
    finally:
        connection.disconnect()
