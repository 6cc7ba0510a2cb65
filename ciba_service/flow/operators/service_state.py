"""How the service is, in short: evidence, what it holds open, whether it could do its work."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from ciba_service.flow.asking.open_streams import OpenStreams
from ciba_service.flow.granting.held_polls import HeldPolls
from ciba_service.flow.phones.presence import ConnectedPhones
from ciba_service.ports import Clock, EvidenceQueue
from ciba_service.protocol.instants import instant

__all__ = ["EvidenceState", "OperatedService", "ServiceState"]


class EvidenceHead(msgspec.Struct, frozen=True):
    """How far the chain of a partition goes: its last number, and the hash of that record."""

    partition: int
    number: int
    hash: str


class EvidenceState(msgspec.Struct, frozen=True):
    """``waiting`` records are not in a file yet."""

    enabled: bool
    waiting: int
    heads: tuple[EvidenceHead, ...]


class ServiceState(msgspec.Struct, frozen=True):
    """Of the process that answers, but for ``connected_phones`` and ``evidence_waiting``.

    ``missing`` is what it lacks to be ready.
    """

    time: str
    issuer: str
    ready: bool
    missing: str | None
    connected_phones: int
    held_polls: int
    event_streams: int
    evidence_waiting: int | None


class OperatedService:
    """``missing`` says what the service lacks to do its work, as for ``/readyz``."""

    def __init__(
        self,
        *,
        issuer: str,
        keeps_evidence: bool,
        evidence: EvidenceQueue,
        phones: ConnectedPhones,
        held: HeldPolls,
        streams: OpenStreams,
        missing: Callable[[], Awaitable[str | None]],
        clock: Clock,
    ) -> None:
        self._issuer = issuer
        self._keeps_evidence = keeps_evidence
        self._evidence = evidence
        self._phones = phones
        self._held = held
        self._streams = streams
        self._missing = missing
        self._clock = clock

    async def state(self) -> ServiceState:
        """Also when the store is gone: then nothing is said of evidence."""
        missing = await self._missing()
        return ServiceState(
            time=instant(self._clock.now_ms()),
            issuer=self._issuer,
            ready=missing is None,
            missing=missing,
            connected_phones=await self._connected(missing),
            held_polls=self._held.held,
            event_streams=self._streams.open,
            evidence_waiting=None if missing == "store" else await self._evidence.waiting(),
        )

    async def _connected(self, missing: str | None) -> int:
        """Without the store our own: to ask it would take as long once more."""
        return self._phones.here if missing == "store" else await self._phones.everywhere()

    async def evidence(self) -> EvidenceState:
        """One round trip; raises ``StoreUnavailable``."""
        waiting, heads = await asyncio.gather(self._evidence.waiting(), self._evidence.heads())
        return EvidenceState(
            enabled=self._keeps_evidence,
            waiting=waiting,
            heads=tuple(
                EvidenceHead(partition, head.number, head.hash)
                for partition, head in sorted(heads.items())
            ),
        )
