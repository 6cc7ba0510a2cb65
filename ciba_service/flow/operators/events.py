"""Security events as operators see them: the last ones of the process that answers."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Annotated, Final

import msgspec

from ciba_service.flow.open_streams import OpenStreams
from ciba_service.flow.operators.pages import Page
from ciba_service.flow.security_events.recent import NumberedEvent, RecentEvents
from ciba_service.protocol.operators.cursors import cursor, parse_cursor
from ciba_service.protocol.operators.problems import OperatorRefused, Problem
from ciba_service.protocol.security_events.record import SecurityEventRecord

__all__ = ["EVENTS_PLACE", "OperatedEvents"]

EVENTS_PLACE: Final = "security events"
"""Under this name their streams are told to look again; no transaction is called so."""


class _Place(msgspec.Struct, frozen=True):
    number: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class OperatedEvents:
    """Reads what is kept in memory."""

    def __init__(self, *, recent: RecentEvents, streams: OpenStreams) -> None:
        self._recent = recent
        self._streams = streams

    def page(self, after: str | None, *, limit: int) -> Page[SecurityEventRecord]:
        """Oldest first; raises ``OperatorRefused`` for the cursor."""
        number = 0 if after is None else parse_cursor(after, _Place).number
        found = self._recent.after(number, limit=limit + 1)
        items = tuple(each.record for each in found[:limit])
        has_more = len(found) > limit
        return Page(items=items, next=cursor(_Place(found[limit - 1].number)) if has_more else None)

    async def follow(
        self, after: int, until_gone: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[Sequence[NumberedEvent], None]:
        """What follows a number, and again whenever there may be more, for 25 seconds.

        Raises:
            OperatorRefused: when too many streams are open.
        """
        if not self._streams.has_room_for_operators:
            raise OperatorRefused(Problem.UNAVAILABLE)
        with self._streams.place(EVENTS_PLACE, until_gone) as place:
            while True:
                news = self._recent.after(after)
                yield news
                after = news[-1].number if news else after
                if not await place.next_look():
                    return
