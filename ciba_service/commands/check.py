"""``ciba-service check``: everything a start needs, tried without starting."""

import sys

from ciba_service.commands.opening import existing_keys, opened_store
from ciba_service.settings import Settings
from ciba_service.stores.key_files import KEYS_FILE

__all__ = ["check"]


async def check(settings: Settings) -> None:
    """Ask keys and store; raises ``CommandFailed``. No key is made.

    The embedded server is started for the purpose, unless ``serve`` runs it.
    """
    if not settings.is_development or (settings.keys_directory / KEYS_FILE).exists():
        existing_keys(settings)
    async with opened_store(settings, own=False):
        pass
    if settings.exposure is not None:
        sys.stdout.write(f"warning: {settings.exposure}\n")
    sys.stdout.write("configuration, keys and store are good\n")
