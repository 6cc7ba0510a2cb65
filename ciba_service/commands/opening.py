"""What every command opens first: keys and store, with the errors a person can act on."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from ciba_service.app import Stores, Surroundings, build_stores
from ciba_service.clock import SystemClock
from ciba_service.commands.outcome import CommandFailed, reason
from ciba_service.ports import StoreUnavailable
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.settings import Settings
from ciba_service.store_access import OpenStore, open_store
from ciba_service.stores.driver.connection import UnsuitableRedis
from ciba_service.stores.driver.faults import StoreFault
from ciba_service.stores.embedded.binary import NoServerProgram
from ciba_service.stores.embedded.keeper import EmbeddedServerFailed
from ciba_service.stores.embedded.server import DataDirectoryInUse
from ciba_service.stores.service_keys.key_files import (
    FileKeys,
    KeyFileError,
    KeyListing,
    MissingKeysError,
    generate_keys,
    load_keys,
)
from ciba_service.stores.service_keys.stored_keys import one_writer
from ciba_service.telemetry import LogTelemetry

__all__ = [
    "changing_keys",
    "existing_keys",
    "make_keys",
    "open_keys",
    "open_stores",
    "opened_store",
    "reached_store",
    "system_surroundings",
    "told_store_failures",
]


def system_surroundings() -> Surroundings:
    """Real time, real randomness, real logs."""
    clock = SystemClock()
    return Surroundings(clock=clock, store_clock=clock, random=os.urandom, telemetry=LogTelemetry())


@contextmanager
def changing_keys(settings: Settings) -> Iterator[Path]:
    """The directory of the keys, for one process at a time; raises ``CommandFailed``."""
    # Two that make keys at once would each seal data under a ring the other replaces.
    directory = settings.keys_directory
    try:
        with one_writer(directory):
            yield directory
    except KeyFileError as error:
        raise CommandFailed(str(error)) from error
    except OSError as error:
        raise CommandFailed(f"no keys can be made in {directory}: {reason(error)}") from error


def make_keys(settings: Settings) -> list[KeyListing]:
    """Make the keys that are missing; raises ``CommandFailed``."""
    with changing_keys(settings) as directory:
        return generate_keys(directory, random=os.urandom, now=SystemClock().now_ms())


def open_keys(settings: Settings) -> FileKeys:
    """Load the keys that the configuration needs; raises ``CommandFailed``.

    In development absent ones are made.
    """
    if settings.is_development:
        # Only where some are absent: the directory may be one that is read and not written.
        try:
            return _usable_keys(settings)
        except MissingKeysError:
            make_keys(settings)
        except KeyFileError as error:
            raise CommandFailed(str(error)) from error
    return existing_keys(settings)


def existing_keys(settings: Settings) -> FileKeys:
    """Load the keys; raises ``CommandFailed`` when one is missing or unusable."""
    try:
        return _usable_keys(settings)
    except MissingKeysError as error:
        raise CommandFailed(
            f"{error} (ciba-service keys generate makes what is missing)"
        ) from error
    except KeyFileError as error:
        raise CommandFailed(str(error)) from error


def _usable_keys(settings: Settings) -> FileKeys:
    """Load keys that can sign whatever clients are to get; raises ``KeyFileError``."""
    keys = load_keys(settings.keys_directory)
    wanted = {client.id_token_alg for client in settings.clients}
    wanted.add(SignatureAlgorithm(settings.tokens.access_token_alg))
    missing = sorted(wanted - keys.token_algorithms)
    if missing:
        raise MissingKeysError(f"{keys.directory} lacks a key for tokens of {', '.join(missing)}")
    if settings.evidence.enabled and keys.evidence_signer is None:
        raise MissingKeysError(f"{keys.directory} lacks a key for evidence")
    if settings.wake_up.web_push and keys.wake_up_signer is None:
        raise MissingKeysError(f"{keys.directory} lacks a key for wake-ups")
    if settings.security_events.receivers and keys.events_signer is None:
        raise MissingKeysError(f"{keys.directory} lacks a key for security events")
    return keys


@asynccontextmanager
async def reached_store(settings: Settings, *, own: bool) -> AsyncIterator[OpenStore]:
    """Open the store; raises ``CommandFailed``, and whatever is raised later is left as it is."""
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
        yield store


@contextmanager
def told_store_failures() -> Iterator[None]:
    """What a store that was opened may fail with, told as ``CommandFailed``."""
    try:
        yield
    except (StoreFault, StoreUnavailable, UnsuitableRedis) as error:
        raise CommandFailed(str(error)) from error


@asynccontextmanager
async def opened_store(settings: Settings, *, own: bool) -> AsyncIterator[OpenStore]:
    """Open the store; raises ``CommandFailed``, also when the store fails later."""
    async with reached_store(settings, own=own) as store:
        with told_store_failures():
            yield store


@asynccontextmanager
async def open_stores(settings: Settings) -> AsyncIterator[Stores]:
    """The stores for a command that does one thing, whether ``serve`` runs or not."""
    keys = open_keys(settings)
    async with opened_store(settings, own=False) as store:
        yield build_stores(settings, store, keys.ring, system_surroundings())
