"""What every command opens first: keys and store, with the errors a person can act on."""

import fcntl
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from ciba_service.app import Stores, Surroundings, build_stores
from ciba_service.clock import SystemClock
from ciba_service.commands.outcome import CommandFailed, reason
from ciba_service.ports import StoreUnavailable
from ciba_service.settings import Settings
from ciba_service.store_access import OpenStore, open_store
from ciba_service.stores.driver.connection import UnsuitableRedis
from ciba_service.stores.driver.faults import StoreFault, StoreProgrammingError
from ciba_service.stores.embedded.binary import NoServerProgram
from ciba_service.stores.embedded.keeper import EmbeddedServerFailed
from ciba_service.stores.embedded.server import DataDirectoryInUse
from ciba_service.stores.key_files import (
    FileKeys,
    KeyFileError,
    KeyListing,
    generate_keys,
    load_keys,
)
from ciba_service.telemetry import LogTelemetry

__all__ = [
    "existing_keys",
    "make_keys",
    "open_keys",
    "open_stores",
    "opened_store",
    "system_surroundings",
]

_PRIVATE: Final = 0o700


def system_surroundings() -> Surroundings:
    """Real time, real randomness, real logs."""
    clock = SystemClock()
    return Surroundings(
        clock=clock, store_clock=clock, random=secrets.token_bytes, telemetry=LogTelemetry()
    )


def make_keys(settings: Settings) -> list[KeyListing]:
    """Make the keys that are missing, one process at a time; raises ``CommandFailed``."""
    directory = settings.keys_directory
    try:
        directory.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        # Two that make keys at once would each seal data under a ring the other replaces.
        with (directory / "making.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return generate_keys(directory, random=secrets.token_bytes, now=SystemClock().now_ms())
    except KeyFileError as error:
        raise CommandFailed(str(error)) from error
    except OSError as error:
        raise CommandFailed(f"no keys can be made in {directory}: {reason(error)}") from error


def open_keys(settings: Settings) -> FileKeys:
    """Load the keys; in development absent ones are made. Raises ``CommandFailed``."""
    if settings.is_development:
        # Only where they cannot be loaded: the directory may be one that is read and not written.
        try:
            return load_keys(settings.keys_directory)
        except KeyFileError:
            make_keys(settings)
    return existing_keys(settings)


def existing_keys(settings: Settings) -> FileKeys:
    """Load the keys; raises ``CommandFailed`` when one is missing or unusable."""
    try:
        return load_keys(settings.keys_directory)
    except KeyFileError as error:
        raise CommandFailed(
            f"{error} (ciba-service keys generate makes what is missing)"
        ) from error


@asynccontextmanager
async def opened_store(settings: Settings, *, own: bool) -> AsyncIterator[OpenStore]:
    """Open the store; raises ``CommandFailed``, also when the store fails later."""
    async with AsyncExitStack() as stack:
        try:
            store = await stack.enter_async_context(open_store(settings.store, own=own))
        except (
            DataDirectoryInUse,
            EmbeddedServerFailed,
            NoServerProgram,
            StoreFault,
            UnsuitableRedis,
        ) as error:
            raise CommandFailed(str(error)) from error
        except OSError as error:
            where = settings.store.data_directory
            raise CommandFailed(f"store.data_directory {where}: {reason(error)}") from error
        try:
            yield store
        except (StoreProgrammingError, StoreUnavailable) as error:
            raise CommandFailed(str(error)) from error


@asynccontextmanager
async def open_stores(settings: Settings) -> AsyncIterator[Stores]:
    """The stores for a command that does one thing, whether ``serve`` runs or not."""
    keys = open_keys(settings)
    async with opened_store(settings, own=False) as store:
        yield build_stores(settings, store, keys, system_surroundings())
