"""Evidence: who takes it from the store into files."""

from ciba_service.flow.due.evidence_draining import CheckpointRule, EvidenceDrainer
from ciba_service.flow.due.store_time import StoreTime
from ciba_service.settings import Settings
from ciba_service.stores.evidence.evidence_files import FileJournal
from ciba_service.wiring.service_keys import ServiceKeys
from ciba_service.wiring.stores import Stores
from ciba_service.wiring.surroundings import Surroundings

__all__ = ["build_drainer"]


def build_drainer(
    settings: Settings, stores: Stores, keys: ServiceKeys, surroundings: Surroundings
) -> EvidenceDrainer:
    """One a process; several may share the directory."""
    evidence = settings.evidence
    return EvidenceDrainer(
        issuer=settings.server.issuer,
        queue=stores.evidence,
        journal=FileJournal(settings.evidence_directory, surroundings.random),
        keys=keys,
        rule=CheckpointRule(evidence.checkpoint_records, evidence.checkpoint_seconds),
        store_time=StoreTime(stores.health, surroundings.store_clock),
        clock=surroundings.clock,
        telemetry=surroundings.telemetry,
    )
