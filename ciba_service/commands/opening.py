"""What every command opens first: keys and store, with the errors a person can act on."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ciba_service.app import Stores, Surroundings, build_stores
from ciba_service.clock import SystemClock
from ciba_service.commands.outcome import CommandFailed
from ciba_service.ports import StoreUnavailable
from ciba_service.settings import Settings
from ciba_service.store_access import OpenStore, open_store
from ciba_service.stores.driver.connection import UnsuitableRedis
from ciba_service.stores.driver.faults import StoreFault
from ciba_service.stores.embedded.binary import NoServerProgram
from ciba_service.stores.embedded.keeper import EmbeddedServerFailed
from ciba_service.stores.embedded.server import DataDirectoryInUse
from ciba_service.stores.key_files import FileKeys, KeyFileError, generate_keys, load_keys
from ciba_service.telemetry import LogTelemetry

__all__ = ["keys_directory", "open_keys", "open_stores", "opened_store", "system_surroundings"]


def keys_directory(settings: Settings) -> Path:
    """Where the service's keys are."""
    configured = settings.device.keys_directory
    return Path(configured) if configured else Path(settings.store.data_directory) / "keys"


def system_surroundings() -> Surroundings:
    """Real time, real randomness, real logs."""
    clock = SystemClock()
    return Surroundings(
        clock=clock, store_clock=clock, random=secrets.token_bytes, telemetry=LogTelemetry()
    )


def open_keys(settings: Settings) -> FileKeys:
    """Load the keys; in development absent ones are made. Raises ``CommandFailed``."""
    directory = keys_directory(settings)
    try:
        if settings.is_development:
            generate_keys(directory, random=secrets.token_bytes, now=SystemClock().now_ms())
        return load_keys(directory)
    except KeyFileError as error:
        raise CommandFailed(
            f"{error} (ciba-service keys generate makes what is missing)"
        ) from error


@asynccontextmanager
async def opened_store(settings: Settings, *, own: bool) -> AsyncIterator[OpenStore]:
    """Open the store; raises ``CommandFailed``."""
    try:
        async with open_store(settings.store, own=own) as store:
            yield store
    except (
        DataDirectoryInUse,
        EmbeddedServerFailed,
        NoServerProgram,
        StoreFault,
        StoreUnavailable,
        UnsuitableRedis,
    ) as error:
        raise CommandFailed(str(error)) from error


@asynccontextmanager
async def open_stores(settings: Settings) -> AsyncIterator[Stores]:
    """The stores for a command that does one thing, whether ``serve`` runs or not."""
    keys = open_keys(settings)
    async with opened_store(settings, own=False) as store:
        yield build_stores(settings, store, keys, system_surroundings())
