"""``ciba-service check``: everything a start needs, tried without starting."""

import sys

from ciba_service.commands.opening import existing_keys, opened_store
from ciba_service.commands.outcome import CommandFailed
from ciba_service.settings import Settings
from ciba_service.store_access import failover_risk
from ciba_service.stores.key_file_access import KeyFileError, is_there
from ciba_service.stores.stored_keys import KEYS_FILE, RING_FILE

__all__ = ["check"]


async def check(settings: Settings) -> None:
    """Ask keys and store; raises ``CommandFailed``. No key is made.

    The embedded server is started for the purpose, unless ``serve`` runs it.
    """
    if not settings.is_development or _has_keys(settings):
        existing_keys(settings)
    async with opened_store(settings, own=False) as store:
        risk = await failover_risk(store)
    if risk is not None:
        sys.stderr.write(f"warning: {risk}\n")
    if settings.exposure is not None:
        sys.stderr.write(f"warning: {settings.exposure}\n")
    sys.stdout.write("configuration, keys and store are good\n")


def _has_keys(settings: Settings) -> bool:
    try:
        return any(is_there(settings.keys_directory / name) for name in (KEYS_FILE, RING_FILE))
    except KeyFileError as error:
        raise CommandFailed(str(error)) from error
