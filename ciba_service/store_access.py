"""Opens the store that the configuration names, for ``serve`` and for commands alike."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ciba_service.settings import StoreSettings
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import (
    check_server,
    connect,
    connected_replicas,
    demands_replicas,
    disconnect,
)
from ciba_service.stores.driver.replicas import DurableCommands
from ciba_service.stores.driver.target import RedisMode, RedisTarget
from ciba_service.stores.embedded.server import open_embedded

__all__ = ["OpenStore", "durable_commands", "failover_risks", "open_store"]

_MILLISECONDS: Final = 1000


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store that was found suitable, and where it is.

    By ``durable`` goes what replicas must have before it is answered, where any are waited for.
    """

    commands: Commands
    target: RedisTarget
    durable: Commands | None = None


@asynccontextmanager
async def open_store(settings: StoreSettings, *, own: bool) -> AsyncIterator[OpenStore]:
    """Connect; without a configured URL the embedded server is started or joined.

    Raises:
        DataDirectoryInUse, EmbeddedServerFailed, NoServerProgram: the embedded server cannot run.
        UnsuitableRedis, StoreFault: the server is not usable, or does not answer.
    """
    if settings.all_urls:
        async with _connected(settings, settings.target()) as store:
            yield store
    else:
        async with await open_embedded(Path(settings.data_directory), own=own) as server:
            target = RedisTarget(unix_socket=server.socket_path)
            async with _connected(settings, target) as store:
                yield store


def durable_commands(settings: StoreSettings, target: RedisTarget) -> Commands | None:
    """The way of writes that replicas must have; None where nobody waits for any."""
    wait = settings.replica_wait
    if wait is None:
        return None
    patient = replace(
        target, command_timeout=target.command_timeout + wait.milliseconds / _MILLISECONDS
    )
    return DurableCommands(connect(patient), wait)


async def failover_risks(settings: StoreSettings, store: OpenStore) -> list[str]:
    """What a failover could lose, and what replicas that are missing prevent: a sentence each.

    Raises:
        UnsuitableRedis, StoreFault: the server refuses the question, or does not answer.
    """
    wanted, client = settings.wait_for_replicas, connect(store.target)
    try:
        replicas = await connected_replicas(client)
        demands = await demands_replicas(client)
    finally:
        await disconnect(client)
    risks = []
    if wanted > replicas:
        risks.append(
            f"store.wait_for_replicas is {wanted}, and {replicas} are connected: nothing will be "
            "decided or redeemed, every attempt is answered 503"
        )
    if store.target.mode is RedisMode.SINGLE and not replicas:
        return risks
    if not demands:
        risks.append(
            "min-replicas-to-write is 0: a failover may lose writes that were answered, and with "
            "them a redemption or a failed attempt"
        )
    if not wanted:
        risks.append(
            "store.wait_for_replicas is 0: a failover may lose what was answered within the last "
            "moment before it"
        )
    return risks


@asynccontextmanager
async def _connected(settings: StoreSettings, target: RedisTarget) -> AsyncIterator[OpenStore]:
    client = connect(target)
    commands, durable = Commands(client), durable_commands(settings, target)
    try:
        await check_server(client)
        yield OpenStore(commands, target, durable)
    finally:
        if durable is not None:
            await durable.aclose()
        await commands.aclose()
