"""A master, two replicas and three sentinels, as real processes on loopback."""

import asyncio
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from ciba_service.stores.driver.target import Address, RedisMode, RedisTarget
from tests.ports import free_port
from tests.redis.replicated import Replicated, replicated_directly
from tests.redis.servers import REDIS_SERVER, _ask, _until

__all__ = ["DOWN_AFTER_MS", "Watched", "watched"]

DOWN_AFTER_MS: Final = 1_000
_NAME: Final = "bank"


@dataclass(frozen=True)
class Watched:
    """Servers that three sentinels watch, and how a client finds the master."""

    servers: Replicated
    target: RedisTarget

    def master_now(self) -> RedisTarget:
        """Whom the sentinels name."""
        port = self.target.addresses[0].port
        answer = _ask(port, f"SENTINEL GET-MASTER-ADDR-BY-NAME {_NAME}").split("\r\n")
        return RedisTarget(addresses=(Address(answer[2], int(answer[4])),))


@asynccontextmanager
async def watched() -> AsyncIterator[Watched]:
    """Run all of them; two sentinels must agree that a master is down."""
    async with AsyncExitStack() as stack:
        servers = await asyncio.to_thread(stack.enter_context, replicated_directly(replicas=2))
        ports = [stack.enter_context(_sentinel(servers.master)) for _ in range(3)]
        everybody = ("num-slaves\r\n$1\r\n2", "num-other-sentinels\r\n$1\r\n2")
        for port in ports:
            await asyncio.to_thread(_until, partial(_knows, port, everybody))
        target = RedisTarget(
            mode=RedisMode.SENTINEL,
            addresses=tuple(Address("127.0.0.1", port) for port in ports),
            master_name=_NAME,
        )
        yield Watched(servers, target)


def _knows(port: int, everybody: tuple[str, ...]) -> bool:
    said = _ask(port, "SENTINEL MASTERS")
    return all(each in said for each in everybody)


@contextmanager
def _sentinel(master: RedisTarget) -> Iterator[int]:
    (address,), port = master.addresses, free_port()
    with tempfile.TemporaryDirectory(prefix="ciba-bench-") as directory:
        lines = [
            f"port {port}",
            "bind 127.0.0.1",
            f"dir {directory}",
            f"sentinel monitor {_NAME} {address.host} {address.port} 2",
            f"sentinel down-after-milliseconds {_NAME} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {_NAME} 5000",
        ]
        configuration = Path(directory, "sentinel.conf")
        configuration.write_text("\n".join([*lines, ""]), "ascii")
        sentinel = subprocess.Popen(  # noqa: S603  (the command is written here)
            [str(REDIS_SERVER), str(configuration), "--sentinel"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            yield port
        finally:
            sentinel.kill()
            sentinel.wait()
