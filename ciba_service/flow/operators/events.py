"""Security events as operators see them: the last ones of all processes."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Annotated, Final

import msgspec

from ciba_service.flow.asking.open_streams import OpenStreams
from ciba_service.flow.operators.pages import Page
from ciba_service.ports import NumberedEvent, RecentEvents, StoreUnavailable, Telemetry
from ciba_service.protocol.operators.cursors import cursor, parse_cursor
from ciba_service.protocol.operators.problems import OperatorRefused, Problem
from ciba_service.protocol.security_events.record import SecurityEventRecord

__all__ = ["EVENTS_PLACE", "OperatedEvents"]

EVENTS_PLACE: Final = "security events"
"""Under this name their streams are told to look again; no transaction is called so."""


_MOST: Final = 1_000


class _Place(msgspec.Struct, frozen=True):
    number: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class OperatedEvents:
    """Reads what is kept for them."""

    def __init__(self, *, recent: RecentEvents, streams: OpenStreams, telemetry: Telemetry) -> None:
        self._recent = recent
        self._streams = streams
        self._telemetry = telemetry

    async def page(self, after: str | None, *, limit: int) -> Page[SecurityEventRecord]:
        """Oldest first; one round trip. Raises ``OperatorRefused`` for the cursor."""
        number = 0 if after is None else parse_cursor(after, _Place).number
        found = await self._recent.after(number, limit=limit + 1)
        items = tuple(each.record for each in found[:limit])
        has_more = len(found) > limit
        return Page(items=items, next=cursor(_Place(found[limit - 1].number)) if has_more else None)

    async def follow(
        self, after: int, until_gone: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[Sequence[NumberedEvent], None]:
        """What follows a number, and again whenever there may be more, for 25 seconds.

        Another process's are there within two seconds.

        Raises:
            OperatorRefused: when too many streams are open.
            StoreUnavailable: when the store cannot be reached for the first look; when it cannot
                later, the stream ends, and whoever follows comes back.
        """
        if not self._streams.has_room_for_operators:
            raise OperatorRefused(Problem.UNAVAILABLE)
        with self._streams.place(EVENTS_PLACE, until_gone) as place:
            news: Sequence[NumberedEvent] | None
            news = await self._recent.after(after, limit=_MOST)
            while news is not None:
                yield news
                after = news[-1].number if news else after
                if not await place.next_look():
                    return
                news = await self._seen_again(after)

    async def _seen_again(self, after: int) -> Sequence[NumberedEvent] | None:
        try:
            return await self._recent.after(after, limit=_MOST)
        except StoreUnavailable as error:
            self._telemetry.failure("event_stream_failed", error)
            return None
