"""A process that drains evidence and nothing else: ``REDIS_PORT DIRECTORY KEYS_DIRECTORY``.

Its time runs a hundred times faster, so that nobody waits for the lease of one that was killed.
"""

import asyncio
import secrets
import sys
import time
from pathlib import Path

from ciba_service.clock import SystemClock
from ciba_service.flow.due.evidence_draining import CheckpointRule, EvidenceDrainer
from ciba_service.flow.due.store_time import StoreTime
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.driver.target import Address, RedisTarget
from ciba_service.stores.evidence.evidence_files import FileJournal
from ciba_service.stores.evidence.evidence_queue import RedisEvidence
from ciba_service.stores.health import RedisHealth
from ciba_service.stores.operations import Operations
from ciba_service.stores.service_keys.current_keys import CurrentKeys
from ciba_service.stores.service_keys.key_files import load_keys
from ciba_service.telemetry import LogTelemetry

FASTER = 100


class FastClock:
    """``ports.Clock``; the same in every process of this machine."""

    def now_ms(self) -> int:
        """Milliseconds since the machine was started, times a hundred."""
        return time.monotonic_ns() * FASTER // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Wait a hundredth of it."""
        await asyncio.sleep(seconds / FASTER)


async def main(port: int, directory: Path, keys: Path) -> None:
    """Drain until killed."""
    clock = FastClock()
    commands = Commands(connect(RedisTarget(addresses=(Address("127.0.0.1", port),))))
    operations = Operations(commands, clock=clock, deadline_ms=5_000)
    drainer = EvidenceDrainer(
        issuer="https://op.example",
        queue=RedisEvidence(operations, secrets.token_urlsafe),
        journal=FileJournal(directory, secrets.token_bytes, file_bytes=200_000),
        keys=CurrentKeys(load_keys(keys)),
        rule=CheckpointRule(10, 60),
        store_time=StoreTime(RedisHealth(operations), SystemClock()),
        clock=clock,
        telemetry=LogTelemetry(),
    )
    await drainer.run()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
