"""Events endpoint: what happened to a request; no standard has one (docs/openapi.yaml)."""

import re
from contextlib import aclosing
from functools import partial
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.types import Receive, Scope, Send

from ciba_service.endpoints.answers import respond, respond_nothing
from ciba_service.endpoints.body import accepts, header
from ciba_service.endpoints.departure import until_gone
from ciba_service.endpoints.event_stream import EVENT_STREAM, EventStream
from ciba_service.endpoints.oauth.client_form import ClientFormEndpoint
from ciba_service.flow.ledger_reading import LedgerReading
from ciba_service.ports import Telemetry
from ciba_service.protocol.transaction.ledger import Ledger
from ciba_service.protocol.transaction.ledger_document import ledger_document, ledger_event
from ciba_service.protocol.transaction.state import State

__all__ = ["EventsEndpoint"]

_UNTIL_GONE: Final = "ciba.until_gone"
_NUMBER: Final = re.compile(rb"[0-9]{1,9}")


class _Complete(msgspec.Struct, frozen=True):
    """The last event of a stream after which nothing more will happen."""

    state: State


class EventsEndpoint(ClientFormEndpoint):
    """``POST /bc-authorize/events``: JSON, or server-sent events for whoever names their type."""

    def __init__(self, reading: LedgerReading, telemetry: Telemetry) -> None:
        super().__init__(telemetry)
        self._reading = reading

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request, and notice when its sender goes away meanwhile."""
        await super().__call__({**scope, _UNTIL_GONE: partial(until_gone, receive)}, receive, send)

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Answer with what there is, or begin to tell."""
        request = self.read(scope, body)
        if not accepts(scope, EVENT_STREAM):
            await respond(send, HTTPStatus.OK, ledger_document(await self._reading.read(request)))
            return
        told = _last_event_id(header(scope, b"last-event-id"))
        async with aclosing(self._reading.follow(request, scope[_UNTIL_GONE])) as ledgers:
            first = await anext(ledgers)
            if first.is_complete and not first.after(told):
                # WHATWG HTML 9.2.3: a client that is answered 204 does not come back.
                await respond_nothing(send)
                return
            stream = EventStream(send)
            await stream.begin()
            told = await _tell(stream, first, told)
            async for ledger in ledgers:
                told = await _tell(stream, ledger, told)
            await stream.end()


async def _tell(stream: EventStream, ledger: Ledger, told: int) -> int:
    """Tell what is new; returns the number of the last entry that is told by now."""
    news = ledger.after(told)
    for entry in news:
        await stream.event(entry.kind, ledger_event(entry), number=entry.number)
    if ledger.is_complete:
        await stream.event("complete", _Complete(ledger.state))
    elif not news:
        await stream.comment()
    return news[-1].number if news else told


def _last_event_id(value: bytes | None) -> int:
    """The number of the last entry that the client has; what is no number of ours is none."""
    return int(value) if value is not None and _NUMBER.fullmatch(value) else 0
