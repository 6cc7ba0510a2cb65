"""The service as it is installed, on a Redis of its own, for the load generator of ``make bench``.

Nothing is pinned to a core: what is asked here is how figures change, not how high they are.
"""

import asyncio
import json
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.speed.names import CLIENT_ID
from benchmarks.speed.phones import Phones
from benchmarks.speed.servers import (
    Provider,
    _configuration,
    _free_port,
    _redis,
)
from benchmarks.speed.signing import Es256Key
from benchmarks.speed.stages import Signers, Stages
from ciba_service.commands.opening import system_surroundings
from ciba_service.settings import load_settings
from ciba_service.store_access import open_store
from ciba_service.stores.service_keys.key_files import load_keys
from ciba_service.wiring.stores import Stores, build_stores

__all__ = ["family", "opened", "provider"]

_PROGRAM: Final = Path(sys.executable).parent / "ciba-service"
_READY_SECONDS: Final = 90.0
_END_SECONDS: Final = 20.0


@contextmanager
def provider(directory: Path, workers: int = 1) -> Iterator[Provider]:
    """A service whose users have a phone each; ready when all of its workers are."""
    directory.mkdir()
    port = _free_port()
    with _redis(directory) as (redis_port, redis_pid):
        issuer = f"http://127.0.0.1:{port}"
        stages = Stages(Signers.generate(), issuer, "/bc-authorize", "/token", directory)
        config = directory / "ciba.toml"
        config.write_text(_configuration(stages, port, redis_port, directory, [CLIENT_ID]), "utf-8")
        log = directory / "service.log"
        command = [str(_PROGRAM), "serve", "--config", str(config), "--workers", str(workers)]
        with log.open("wb") as stream:
            process = subprocess.Popen(command, stderr=stream)  # noqa: S603 - written here
        try:
            _until_listening(log, process)
            asyncio.run(_enrol(config))
            yield Provider(
                "service", port, redis_port, process.pid, redis_pid, stages, demands_nonces=True
            )
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_END_SECONDS)


@asynccontextmanager
async def opened(config: Path) -> AsyncIterator[Stores]:
    """The stores of a service that runs, as another of its processes has them."""
    settings = load_settings(config)
    ring = load_keys(settings.keys_directory).ring
    async with open_store(settings.store, own=False) as store:
        yield build_stores(settings, store, ring, system_surroundings())


def family(pid: int) -> list[int]:
    """A process and those that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return [pid, *map(int, children)]


async def _enrol(config: Path) -> None:
    async with opened(config) as stores:
        await Phones(Es256Key.generate(secrets.token_hex(4))).enrol_all(stores.devices)


def _until_listening(log: Path, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        lines = log.read_text("utf-8").splitlines()
        if any(json.loads(line).get("event") == "listening" for line in lines):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the service does not start: {log.read_text('utf-8')}")
