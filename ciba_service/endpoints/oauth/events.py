"""Events endpoint: what happened to a request; no standard has one (docs/openapi.yaml)."""

from contextlib import aclosing
from functools import partial
from http import HTTPStatus
from typing import Final

from starlette.types import Receive, Scope, Send

from ciba_service.endpoints.answers import respond
from ciba_service.endpoints.body import accepts
from ciba_service.endpoints.departure import until_gone
from ciba_service.endpoints.event_stream import EVENT_STREAM
from ciba_service.endpoints.ledger_stream import stream_ledgers
from ciba_service.endpoints.oauth.client_form import ClientFormEndpoint
from ciba_service.flow.asking.ledger_reading import LedgerReading
from ciba_service.ports import Telemetry
from ciba_service.protocol.transaction.ledger_document import ledger_document, ledger_event

__all__ = ["EventsEndpoint"]

_UNTIL_GONE: Final = "ciba.until_gone"


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
        async with aclosing(self._reading.follow(request, scope[_UNTIL_GONE])) as ledgers:
            await stream_ledgers(scope, send, ledgers, ledger_event)
