"""Real servers for tests: our embedded one, Debian's ``redis-server``, a cluster of one node."""

import asyncio
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from redis.asyncio import Redis

from ciba_service.stores.driver.connection import connect, disconnect
from ciba_service.stores.driver.target import Address, RedisMode, RedisTarget
from ciba_service.stores.embedded.binary import packaged_program
from ciba_service.stores.embedded.server import open_embedded
from tests.ports import free_port

REDIS_SERVER = Path("/usr/bin/redis-server")
_MEMORY = Path("/dev/shm")  # noqa: S108  (what is made there has a name of its own)
_READY_SECONDS = 10
_ALIVE = ("+PONG", "-NOAUTH")


class ServerKind(StrEnum):
    """What a store must work on."""

    EMBEDDED = "embedded"
    REDIS = "redis"
    CLUSTER = "cluster"


@contextmanager
def running(kind: ServerKind) -> Iterator[RedisTarget]:
    """Run a server of the kind and end it afterwards."""
    match kind:
        case ServerKind.EMBEDDED:
            with embedded_server() as target:
                yield target
        case ServerKind.REDIS:
            with redis_server() as target:
                yield target
        case ServerKind.CLUSTER:
            with cluster_node() as target:
                yield target


def scratch_directory() -> tempfile.TemporaryDirectory[str]:
    """A directory in memory, where there is one: a busy disk holds up a server for seconds.

    Nodes of a cluster, and sentinels, wait for the disk whenever they learn something.
    """
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="ciba-test-", dir=place)


@contextmanager
def embedded_server() -> Iterator[RedisTarget]:
    """Our embedded server; the packaged Valkey where there is one, so that it is tested, too.

    Once it runs, nothing more is written down: what it keeps has tests of its own.
    """
    loop = asyncio.new_event_loop()
    with (
        scratch_directory() as directory,
        # A thread of its own, since the caller's may be running another loop.
        ThreadPoolExecutor(max_workers=1) as thread,
    ):
        opening = open_embedded(Path(directory), own=True, program=packaged_program())
        try:
            server = thread.submit(loop.run_until_complete, opening).result()
            target = RedisTarget(unix_socket=server.socket_path)
            thread.submit(loop.run_until_complete, _write_nothing_down(target)).result()
            yield target
            thread.submit(loop.run_until_complete, server.aclose()).result()
        finally:
            thread.submit(loop.close).result()


async def _write_nothing_down(target: RedisTarget) -> None:
    async with the_server(target) as server:
        await server.config_set("appendonly", "no")


@contextmanager
def redis_server(*settings: str, program: Path = REDIS_SERVER) -> Iterator[RedisTarget]:
    """Debian's server on a loopback port, without persistence, with further settings."""
    with scratch_directory() as directory:
        port = free_port()
        command = [str(program), "--bind", "127.0.0.1", "--port", str(port)]
        command += ["--dir", directory, "--save", "", "--appendonly", "no", *settings]
        server = subprocess.Popen(  # noqa: S603  (the command is written above)
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        try:
            _until(lambda: _ask(port, "PING").startswith(_ALIVE), server)
            yield RedisTarget(addresses=(Address("127.0.0.1", port),))
        finally:
            server.kill()
            server.wait()


@contextmanager
def cluster_node() -> Iterator[RedisTarget]:
    """A cluster of one node that owns all slots, so that a script across slots is refused."""
    bus_port = str(free_port())
    with redis_server("--cluster-enabled", "yes", "--cluster-port", bus_port) as target:
        (address,) = target.addresses
        _ask(address.port, "CLUSTER ADDSLOTSRANGE 0 16383")
        _until(lambda: "cluster_state:ok" in _ask(address.port, "CLUSTER INFO"))
        yield RedisTarget(mode=RedisMode.CLUSTER, addresses=(address,))


@asynccontextmanager
async def the_server(target: RedisTarget) -> AsyncIterator[Redis]:
    """The server itself: a cluster has one node here, and to learn its slots takes long."""
    client = connect(replace(target, mode=RedisMode.SINGLE))
    try:
        yield client
    finally:
        await disconnect(client)


async def flush_all(target: RedisTarget) -> None:
    """Remove every key and every cached script."""
    async with the_server(target) as server:
        await server.flushall()
        await server.script_flush()


async def keys_without_ttl(target: RedisTarget) -> list[str]:
    """List every key that would live for ever."""
    async with the_server(target) as server:
        names = [name async for name in server.scan_iter(count=1000)]
        return [name.decode() for name in names if await server.pttl(name) == -1]


def _ask(port: int, command: str) -> str:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(4096).decode().strip()
    except OSError:
        return ""


def _until(
    condition: Callable[[], bool],
    server: subprocess.Popen[bytes] | None = None,
    *,
    seconds: int = _READY_SECONDS,
) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end or (server is not None and server.poll() is not None):
            raise RuntimeError("the server for the tests does not start")
        time.sleep(0.01)
