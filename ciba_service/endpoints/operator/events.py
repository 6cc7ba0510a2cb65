"""``/operator/events``: security events, as JSON or as server-sent events."""

import re
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from http import HTTPStatus
from typing import Final

from starlette.types import Send

from ciba_service.endpoints.answers import respond
from ciba_service.endpoints.body import accepts, header
from ciba_service.endpoints.departure import until_gone
from ciba_service.endpoints.event_stream import EVENT_STREAM, EventStream
from ciba_service.endpoints.operator.bodies import Nothing, read_object
from ciba_service.endpoints.operator.router import Operation, OperatorRequest
from ciba_service.flow.operators.events import OperatedEvents
from ciba_service.ports import NumberedEvent
from ciba_service.protocol.security_events.kinds import kind_of

__all__ = ["EventsEndpoint"]

_NUMBER: Final = re.compile(rb"[0-9]{1,16}")


class EventsEndpoint:
    """The last events of all processes."""

    def __init__(self, events: OperatedEvents) -> None:
        self._events = events

    @property
    def operations(self) -> Sequence[Operation]:
        """One."""
        queries = frozenset({"limit", "cursor"})
        return (Operation("GET", "/operator/events", self.list, queries=queries),)

    async def list(self, request: OperatorRequest, send: Send) -> None:
        """A page of them, or a stream for whoever names its type."""
        if accepts(request.scope, EVENT_STREAM) and request.scope["method"] != "HEAD":
            await self._stream(request, send)
            return
        page = await self._events.page(request.query.cursor, limit=request.query.limit)
        await respond(send, HTTPStatus.OK, page)

    async def _stream(self, request: OperatorRequest, send: Send) -> None:
        await read_object(request.scope, request.receive, Nothing)
        last = header(request.scope, b"last-event-id") or b""
        after = int(last) if _NUMBER.fullmatch(last) else 0
        gone = partial(until_gone, request.receive)
        async with aclosing(self._events.follow(after, gone)) as news:
            told = await anext(news)
            stream = EventStream(send)
            await stream.begin()
            await _tell(stream, told)
            async for told in news:
                await _tell(stream, told)
            await stream.end()


async def _tell(stream: EventStream, news: Sequence[NumberedEvent]) -> None:
    for each in news:
        await stream.event(kind_of(each.record.event), each.record, number=each.number)
    if not news:
        await stream.comment()
