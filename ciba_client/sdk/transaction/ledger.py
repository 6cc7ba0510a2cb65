"""What happened to a transaction at the provider, told as it happens."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import msgspec

from ciba_client.sdk.clock import Clock
from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.errors import InvalidProviderResponse
from ciba_client.sdk.provider.answers import AuthReqId
from ciba_client.sdk.provider.connection import ProviderConnection
from ciba_client.sdk.provider.event_stream import ServerSentEvent, parse_event_stream
from ciba_client.sdk.provider.provider import Provider
from ciba_client.sdk.requests.ledger import ledger_request

__all__ = ["LedgerEndpoint", "LedgerEntry"]

_MOST_ENTRIES: Final = 1000
_LONGEST_SILENCE: Final = 60.0
_END: Final = "complete"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One thing that happened; instants are seconds since the epoch.

    ``number`` counts from 1. ``attempt``, ``status``, ``again_at`` and ``reason`` are of callbacks.
    ``text`` is what was sent.
    """

    number: int
    event: str
    at: float
    attempt: int | None
    status: int | None
    again_at: float | None
    reason: str | None
    text: str


class _Document(msgspec.Struct):
    id: Annotated[int, msgspec.Meta(ge=1)]
    event: Annotated[str, msgspec.Meta(max_length=64)]
    at: datetime
    attempt: int | None = None
    status: int | None = None
    again_at: datetime | None = None
    reason: str | None = None


class LedgerEndpoint:
    """The endpoint of one provider that tells what happened, for one client."""

    def __init__(
        self,
        configuration: ClientConfiguration,
        *,
        provider: Provider,
        connection: ProviderConnection,
        clock: Clock,
    ) -> None:
        self._configuration = configuration
        self._provider = provider
        self._connection = connection
        self._clock = clock

    async def entries(
        self, auth_req_id: AuthReqId, *, after: int
    ) -> AsyncGenerator[LedgerEntry, None]:
        """Yield entries until nothing more will happen.

        Raises:
            InvalidProviderResponse: there is no such endpoint, it refuses, or it tells nonsense.
            ProviderUnavailable: the stream broke off; go on ``after`` the last entry.
        """
        request = ledger_request(
            auth_req_id,
            configuration=self._configuration,
            metadata=await self._provider.metadata(),
            after=after,
            now=self._clock.now(),
        )
        count = 0
        chunks = self._connection.stream(
            request,
            timeout_seconds=self._configuration.timeout,
            silence_seconds=_LONGEST_SILENCE,
        )
        async with aclosing(chunks):
            async for event in parse_event_stream(chunks):
                if event.name == _END:
                    return
                count += 1
                if count > _MOST_ENTRIES:
                    raise InvalidProviderResponse("the provider tells of too many events")
                yield _entry(event)


def _entry(event: ServerSentEvent) -> LedgerEntry:
    try:
        document = msgspec.json.decode(event.data, type=_Document)
        again_at = document.again_at
        return LedgerEntry(
            number=document.id,
            event=document.event,
            at=document.at.timestamp(),
            attempt=document.attempt,
            status=document.status,
            again_at=None if again_at is None else again_at.timestamp(),
            reason=document.reason,
            text=event.data,
        )
    except (ValueError, RecursionError, OverflowError) as error:
        raise InvalidProviderResponse("an event of the provider is malformed") from error
