"""Key sets behind clients' ``jwks_uri``: fetched once for all who ask, and kept for a while.

A set counts for as long as its server says (OpenID Connect Core 10.1.1); one that lacks a key is
fetched anew, at most once a minute. When the server fails, the old set counts for an hour more, and
nobody asks again for some seconds.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ciba_service.ports import Clock, Telemetry
from ciba_service.ports.outbound import (
    REFUSED_ADDRESSES,
    ClientKeysUnavailable,
    Outbound,
    OutboundFailure,
    OutboundRequest,
    OutboundResponse,
)
from ciba_service.protocol.client.certificates.certificate import ClientCertificate
from ciba_service.protocol.client.certificates.self_signed import RegisteredCertificates
from ciba_service.protocol.client.key_document import (
    KEY_MEDIA_TYPES,
    InvalidKeyDocumentError,
    KeyDocument,
    lifetime_of,
    parse_key_document,
)
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.security_events.kinds import AttemptedUse, OutboundRefused

__all__ = ["MAXIMUM_ENTRIES", "FetchedClientKeys"]

MAXIMUM_ENTRIES: Final = 1000
_STALE_MS: Final = 3_600_000
_RENEWAL_MS: Final = 60_000
_RETRY_MS: Final = 10_000
_OK: Final = 200


@dataclass(slots=True)
class _Entry:
    """What is known of one URI; instants are milliseconds since the epoch."""

    uri: str
    document: KeyDocument | None = None
    fresh_until: int = 0
    renewable_at: int = 0
    retry_at: int = 0
    defect: str = ""
    flight: asyncio.Task[None] | None = None

    def usable(self, now_ms: int) -> KeyDocument | None:
        """The key set unless it is too old to be used at all."""
        return self.document if now_ms < self.fresh_until + _STALE_MS else None


class FetchedClientKeys:
    """``ports.ClientKeys`` of one process."""

    def __init__(self, outbound: Outbound, clock: Clock, telemetry: Telemetry) -> None:
        self._outbound = outbound
        self._clock = clock
        self._telemetry = telemetry
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._flights: set[asyncio.Task[None]] = set()

    async def find_keys(
        self, client_id: str, jwks_uri: str, *, kid: str | None, alg: SignatureAlgorithm
    ) -> KeySet:
        """See ``ClientKeys``."""
        document = await self._find(
            client_id, jwks_uri, lambda found: bool(found.keys.candidates(kid=kid, alg=alg))
        )
        return document.keys

    async def find_certificates(
        self, client_id: str, jwks_uri: str, *, presented: ClientCertificate
    ) -> RegisteredCertificates:
        """See ``ClientKeys``."""
        document = await self._find(
            client_id, jwks_uri, lambda found: presented in found.certificates
        )
        return document.certificates

    async def aclose(self) -> None:
        """End what is being fetched."""
        for flight in self._flights:
            flight.cancel()
        await asyncio.gather(*self._flights, return_exceptions=True)

    async def _find(
        self, client_id: str, uri: str, fits: Callable[[KeyDocument], bool]
    ) -> KeyDocument:
        entry = self._entry(uri)
        flight = self._needed(entry, client_id, fits)
        if flight is not None:
            # Whoever asks may go; the others still wait for the same fetch.
            await asyncio.shield(flight)
        document = entry.usable(self._clock.now_ms())
        if document is None:
            raise ClientKeysUnavailable(entry.defect)
        return document

    def _needed(
        self, entry: _Entry, client_id: str, fits: Callable[[KeyDocument], bool]
    ) -> asyncio.Task[None] | None:
        """The fetch that must be waited for."""
        now = self._clock.now_ms()
        document = entry.usable(now)
        if document is None:
            return self._fetching(entry, client_id)
        if now >= entry.fresh_until:
            flight = self._fetching(entry, client_id)
            # A server that failed before is not waited for while the old set will do.
            return None if entry.defect and fits(document) else flight
        if fits(document):
            return None
        if now >= entry.renewable_at:
            entry.renewable_at = now + _RENEWAL_MS
            return self._fetching(entry, client_id)
        return entry.flight

    def _fetching(self, entry: _Entry, client_id: str) -> asyncio.Task[None] | None:
        """The fetch that is under way, or begins now; None so soon after a failure."""
        if entry.flight is None and self._clock.now_ms() >= entry.retry_at:
            entry.flight = asyncio.create_task(self._fetch(entry, client_id))
            self._flights.add(entry.flight)
            entry.flight.add_done_callback(self._flights.discard)
        return entry.flight

    async def _fetch(self, entry: _Entry, client_id: str) -> None:
        request = OutboundRequest.fetch(entry.uri, accept=", ".join(KEY_MEDIA_TYPES))
        try:
            result = await self._outbound.send(request)
        finally:
            entry.flight = None
        if isinstance(result, OutboundFailure) and result.reason in REFUSED_ADDRESSES:
            self._telemetry.security_event(
                OutboundRefused(
                    use=AttemptedUse.CLIENT_KEYS,
                    address=REFUSED_ADDRESSES[result.reason],
                    client_id=client_id,
                )
            )
        now = self._clock.now_ms()
        try:
            found = _found(result)
        except InvalidKeyDocumentError as error:
            entry.defect, entry.retry_at = str(error), now + _RETRY_MS
            self._telemetry.event(
                "client_keys_unavailable", client_id=client_id, reason=entry.defect
            )
            return
        entry.document, entry.defect = found.document, ""
        entry.fresh_until = now + found.lifetime * 1000
        self._telemetry.event(
            "client_keys_fetched", client_id=client_id, keys=len(found.document.keys)
        )

    def _entry(self, uri: str) -> _Entry:
        entry = self._entries.get(uri)
        if entry is None:
            entry = self._entries[uri] = _Entry(uri)
            if len(self._entries) > MAXIMUM_ENTRIES:
                self._entries.popitem(last=False)
        self._entries.move_to_end(uri)
        return entry


@dataclass(frozen=True, slots=True)
class _Found:
    document: KeyDocument
    lifetime: int


def _found(result: OutboundResponse | OutboundFailure) -> _Found:
    if isinstance(result, OutboundFailure):
        raise InvalidKeyDocumentError(f"{result.reason}: {result.detail}")
    if result.status != _OK:
        raise InvalidKeyDocumentError(f"the answer has status {result.status}")
    return _Found(
        parse_key_document(result.content_type, result.body), lifetime_of(result.cache_control)
    )
