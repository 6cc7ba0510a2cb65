"""Opens the store that the configuration names, for ``serve`` and for commands alike."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ciba_service.settings import StoreSettings
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import (
    check_server,
    connect,
    demands_replicas,
    disconnect,
)
from ciba_service.stores.driver.target import RedisMode, RedisTarget
from ciba_service.stores.embedded.server import open_embedded

__all__ = ["OpenStore", "failover_risk", "open_store"]


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store that was found suitable, and where it is."""

    commands: Commands
    target: RedisTarget


@asynccontextmanager
async def open_store(settings: StoreSettings, *, own: bool) -> AsyncIterator[OpenStore]:
    """Connect; without a configured URL the embedded server is started or joined.

    Raises:
        DataDirectoryInUse, EmbeddedServerFailed, NoServerProgram: the embedded server cannot run.
        UnsuitableRedis, StoreFault: the server is not usable, or does not answer.
    """
    if settings.all_urls:
        async with _connected(settings.target()) as store:
            yield store
    else:
        async with await open_embedded(Path(settings.data_directory), own=own) as server:
            target = RedisTarget(unix_socket=server.socket_path)
            async with _connected(target) as store:
                yield store


async def failover_risk(store: OpenStore) -> str | None:
    """What a failover could lose, as a sentence; None where nothing, or where there is none.

    Raises:
        UnsuitableRedis, StoreFault: the server refuses the question, or does not answer.
    """
    if store.target.mode is RedisMode.SINGLE:
        return None
    client = connect(store.target)
    try:
        if await demands_replicas(client):
            return None
    finally:
        await disconnect(client)
    return (
        "min-replicas-to-write is 0: a failover may lose writes that were answered, and with them "
        "a redemption or a failed attempt"
    )


@asynccontextmanager
async def _connected(target: RedisTarget) -> AsyncIterator[OpenStore]:
    client = connect(target)
    commands = Commands(client)
    try:
        await check_server(client)
        yield OpenStore(commands, target)
    finally:
        await commands.aclose()
