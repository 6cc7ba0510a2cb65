"""One line of the log and one measurement for each HTTP request, whatever came of it.

The line says which endpoint, how it ended and how long it took, and what the steps noted on the
way: client, transaction, and the ``x-fapi-interaction-id`` (a UUID, or none at all).
"""

import re
from collections.abc import Awaitable, Iterable, Mapping
from time import perf_counter
from typing import Final

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ciba_service.ports import Telemetry
from ciba_service.ports.request_notes import (
    RequestMeter,
    RequestNotes,
    begin_notes,
    current_notes,
    end_notes,
)
from ciba_service.protocol.resource.interaction import INTERACTION_HEADER, sent_interaction_id
from ciba_service.protocol.security_events.kinds import SecurityEvent

__all__ = ["EndpointNames", "ObservedRequests", "RequestMeter", "RequestTelemetry"]

UNKNOWN: Final = "other"
_REFUSALS: Final = frozenset({"request_refused", "operator_refused"})
_FIRST_REFUSAL: Final = 400
# Asked every few seconds by what watches the service: counted, and not logged.
_UNLOGGED: Final = frozenset({"/healthz", "/readyz"})


class EndpointNames:
    """Paths of requests to names of endpoints: a closed set, whatever is asked for."""

    __slots__ = ("_exact", "_patterns", "_unknown")

    def __init__(
        self, routes: Iterable[BaseRoute] = (), *, below: str = "", unknown: str = UNKNOWN
    ) -> None:
        """``below`` is the path of the issuer, which names do not repeat.

        ``unknown`` is the name of whatever else is asked for.
        """
        self._unknown = unknown
        self._exact: dict[str, str] = {}
        self._patterns: list[tuple[re.Pattern[str], str]] = []
        for route in routes:
            if isinstance(route, Route):
                name = route.path.removeprefix(below)
                if route.param_convertors:
                    self._patterns.append((route.path_regex, name))
                else:
                    self._exact[route.path] = name

    def of(self, path: str) -> str:
        """The name of the endpoint."""
        name = self._exact.get(path)
        if name is not None:
            return name
        return next(
            (name for pattern, name in self._patterns if pattern.match(path)), self._unknown
        )


class RequestTelemetry:
    """``ports.Telemetry`` that keeps a refusal for the request's own line, and names in its notes.

    Events of steps are logged as they come, with the interaction id of their request.
    """

    __slots__ = ("_log",)

    def __init__(self, log: Telemetry) -> None:
        self._log = log

    def event(self, name: str, **fields: object) -> None:
        """Log it, or keep it for the end of the request."""
        notes = current_notes()
        if notes is None:
            self._log.event(name, **fields)
        elif name in _REFUSALS:
            notes.refusal = fields
        else:
            _take_names(notes, fields)
            if notes.interaction_id is not None:
                fields["interaction_id"] = notes.interaction_id
            self._log.event(name, **fields)

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        """Log it, with the names of the request."""
        notes = current_notes()
        names = {} if notes is None else _names(notes)
        self._log.failure(name, error, **{**names, **fields})

    def security_event(self, event: SecurityEvent) -> None:
        """Hand it on."""
        self._log.security_event(event)


class ObservedRequests:
    """ASGI middleware around everything; sockets and the lifespan pass through."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        names: EndpointNames,
        telemetry: Telemetry,
        meter: RequestMeter | None = None,
        refusal: str = "request_refused",
    ) -> None:
        """``telemetry`` gets the line of each request; a refusal's is called ``refusal``."""
        self._app = app
        self._names = names
        self._telemetry = telemetry
        self._meter = meter
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, then log and count."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, notes, status = perf_counter(), RequestNotes(), 0
        notes.interaction_id = _interaction(scope)

        def noting_send(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            return send(message)

        token = begin_notes(notes)
        try:
            await self._app(scope, receive, noting_send)
        finally:
            end_notes(token)
            self._ended(self._names.of(scope["path"]), notes, status, perf_counter() - began)

    def _ended(self, endpoint: str, notes: RequestNotes, status: int, seconds: float) -> None:
        # What is no endpoint, and floods that have their one line already, are refused without one.
        refusal = notes.refusal or {}
        if self._meter is not None:
            self._meter.answered(endpoint, _outcome(refusal, status), seconds)
        if endpoint in _UNLOGGED:
            return
        fields: dict[str, object] = {
            "client_id": notes.client_id,
            "transaction_id": notes.transaction_id,
            "interaction_id": notes.interaction_id,
            **refusal,
            "endpoint": endpoint,
            "status": status or None,
            "duration_ms": round(seconds * 1000, 3),
        }
        if refusal:
            self._telemetry.event(self._refusal, **fields)
        elif not status:
            self._telemetry.event("request_abandoned", **fields)
        elif status < _FIRST_REFUSAL:
            self._telemetry.event("request_answered", **fields)


def _outcome(refusal: Mapping[str, object], status: int) -> str:
    if not status:
        return "gone"
    return str(refusal.get("error") or refusal.get("problem") or _without_reason(status))


def _without_reason(status: int) -> str:
    return "ok" if status < _FIRST_REFUSAL else UNKNOWN


def _interaction(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == INTERACTION_HEADER:
            return sent_interaction_id([value.decode("latin-1")])
    return None


def _take_names(notes: RequestNotes, fields: Mapping[str, object]) -> None:
    client_id, transaction_id = fields.get("client_id"), fields.get("transaction_id")
    if isinstance(client_id, str):
        notes.client_id = client_id
    if isinstance(transaction_id, str):
        notes.transaction_id = transaction_id


def _names(notes: RequestNotes) -> dict[str, object]:
    return {
        "client_id": notes.client_id,
        "transaction_id": notes.transaction_id,
        "interaction_id": notes.interaction_id,
    }
