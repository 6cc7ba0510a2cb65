"""The provider's published documents, fetched when first needed and kept for an hour."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from ciba_client.sdk.clock import Clock
from ciba_client.sdk.errors import InvalidProviderMetadata, InvalidProviderResponse
from ciba_client.sdk.jose.key_set import ProviderKeys, parse_key_set
from ciba_client.sdk.provider.addresses import discovery_address, receipt_keys_address
from ciba_client.sdk.provider.connection import ProviderAnswer, ProviderConnection
from ciba_client.sdk.provider.metadata import ProviderMetadata, parse_provider_metadata

__all__ = ["Provider"]

_OK: Final = 200
_KEPT_FOR: Final = 3600.0

_Document = TypeVar("_Document")


class _Kept(Generic[_Document]):
    """One document, fetched once for all who ask at the same time."""

    def __init__(self, fetch: Callable[[], Awaitable[_Document]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._turn = asyncio.Lock()
        self._document: _Document | None = None
        self._fetched_at = 0.0

    async def get(self, *, other_than: _Document | None = None) -> _Document:
        """The kept document; ``other_than`` is one found wanting, to be replaced by a fresh one."""
        async with self._turn:
            age = self._clock.monotonic() - self._fetched_at
            if self._document is None or self._document is other_than or age >= _KEPT_FOR:
                self._document = await self._fetch()
                self._fetched_at = self._clock.monotonic()
            return self._document


class Provider:
    """An OpenID Provider known by its issuer identifier."""

    def __init__(
        self,
        issuer: str,
        connection: ProviderConnection,
        clock: Clock,
        *,
        timeout_seconds: float,
        mutual_tls: bool,
    ) -> None:
        self._issuer = issuer
        self._connection = connection
        self._timeout_seconds = timeout_seconds
        self._mutual_tls = mutual_tls
        self._metadata = _Kept(self._fetch_metadata, clock)
        self._keys = _Kept(self._fetch_keys, clock)
        self._receipt_keys = _Kept(self._fetch_receipt_keys, clock)

    async def metadata(self) -> ProviderMetadata:
        """Discover the provider; raises ``InvalidProviderMetadata`` or ``ProviderUnavailable``."""
        return await self._metadata.get()

    async def keys(self, *, other_than: ProviderKeys | None = None) -> ProviderKeys:
        """The published keys; ``other_than`` asks for a set newer than the given one."""
        return await self._keys.get(other_than=other_than)

    async def receipt_keys(self, *, other_than: ProviderKeys | None = None) -> ProviderKeys:
        """The keys published for SCA receipts; ``other_than`` as above."""
        return await self._receipt_keys.get(other_than=other_than)

    async def _fetch_metadata(self) -> ProviderMetadata:
        answer = await self._fetch(discovery_address(self._issuer))
        if answer.status != _OK:
            raise InvalidProviderMetadata(
                f"discovery was answered with HTTP status {answer.status}"
            )
        return parse_provider_metadata(
            answer.body, issuer=self._issuer, mutual_tls=self._mutual_tls
        )

    async def _fetch_keys(self) -> ProviderKeys:
        return await self._fetch_key_set((await self.metadata()).jwks_uri)

    async def _fetch_receipt_keys(self) -> ProviderKeys:
        return await self._fetch_key_set(receipt_keys_address(self._issuer))

    async def _fetch_key_set(self, url: str) -> ProviderKeys:
        answer = await self._fetch(url)
        if answer.status != _OK:
            raise InvalidProviderResponse(
                f"the provider's keys were answered with HTTP status {answer.status}"
            )
        return parse_key_set(answer.body)

    async def _fetch(self, url: str) -> ProviderAnswer:
        return await self._connection.get(url, timeout_seconds=self._timeout_seconds)
