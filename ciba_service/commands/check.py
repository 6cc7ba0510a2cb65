"""``ciba-service check``: everything a start needs, tried without starting."""

import sys
from typing import Final

from ciba_service.commands.opening import existing_keys, opened_store, system_surroundings
from ciba_service.commands.outcome import CommandFailed
from ciba_service.settings import Settings
from ciba_service.store_access import OpenStore, failover_risks
from ciba_service.stores.evidence.evidence_queue import RedisEvidence
from ciba_service.stores.operations import Operations
from ciba_service.stores.service_keys.key_file_access import KeyFileError, is_there
from ciba_service.stores.service_keys.stored_keys import KEYS_FILE, RING_FILE

__all__ = ["check"]

_MANY: Final = 256
"""Records of evidence: more than wait for a moment only."""


async def check(settings: Settings) -> None:
    """Ask keys and store; raises ``CommandFailed``. No key is made.

    The embedded server is started for the purpose, unless ``serve`` runs it.
    """
    if not settings.is_development or _has_keys(settings):
        existing_keys(settings)
    async with opened_store(settings, own=False) as store:
        risks = await failover_risks(settings.store, store)
        waits = await _waiting_evidence(settings, store)
    for risk in risks:
        sys.stderr.write(f"warning: {risk}\n")
    if waits > _MANY:
        sys.stderr.write(f"warning: {waits} records of evidence wait to be written\n")
    if settings.exposure is not None:
        sys.stderr.write(f"warning: {settings.exposure}\n")
    sys.stdout.write("configuration, keys and store are good\n")


async def _waiting_evidence(settings: Settings, store: OpenStore) -> int:
    surroundings = system_surroundings()
    operations = Operations(
        store.commands, clock=surroundings.clock, deadline_ms=settings.store.deadline_ms
    )
    return await RedisEvidence(operations, surroundings.new_operation).waiting()


def _has_keys(settings: Settings) -> bool:
    try:
        return any(is_there(settings.keys_directory / name) for name in (KEYS_FILE, RING_FILE))
    except KeyFileError as error:
        raise CommandFailed(str(error)) from error
