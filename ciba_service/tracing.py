"""OpenTelemetry spans of requests, store operations and requests to somebody else.

Imported only where ``[tracing]`` is on. The API alone is used: without an SDK in the process, which
the operator brings, every span is a no-op. No span has a secret, and none travels to others.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ciba_service.ports import (
    Clock,
    Outbound,
    OutboundFailure,
    OutboundRequest,
    OutboundResponse,
)
from ciba_service.ports.request_notes import current_notes
from ciba_service.stores.driver.commands import Argument, Commands
from ciba_service.stores.driver.script import Script
from ciba_service.stores.operations import Operations

__all__ = ["TracedOperations", "TracedOutbound", "TracedRequests", "Tracing"]

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
_OTHER_METHOD: Final = "_OTHER"
_TRACEPARENT: Final = b"traceparent"
_SERVER_ERROR: Final = 500
_W3C: Final = TraceContextTextMapPropagator()


class Tracing:
    """Puts spans around parts."""

    def __init__(self, *, trusts_traceparent: bool, provider: TracerProvider | None = None) -> None:
        """``provider`` is that of the process unless another is given."""
        self._tracer = trace.get_tracer("ciba_service", tracer_provider=provider)
        self._trusts_traceparent = trusts_traceparent

    def requests(self, name_of: Callable[[str], str]) -> Middleware:
        """A span for each HTTP request."""
        return Middleware(
            TracedRequests,
            name_of=name_of,
            tracer=self._tracer,
            trusts_traceparent=self._trusts_traceparent,
        )

    def operations(
        self,
        commands: Commands,
        *,
        clock: Clock,
        deadline_ms: int,
        durable: Commands | None = None,
    ) -> Operations:
        """Operations with spans."""
        return TracedOperations(
            commands, clock=clock, deadline_ms=deadline_ms, durable=durable, tracer=self._tracer
        )

    def outbound(self, outbound: Outbound, purpose: str) -> Outbound:
        """The same door out, with spans."""
        return TracedOutbound(outbound, purpose, self._tracer)


class TracedRequests:
    """ASGI middleware: a span for each HTTP request, named by method and endpoint."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        name_of: Callable[[str], str],
        tracer: Tracer,
        trusts_traceparent: bool,
    ) -> None:
        """Only with ``trusts_traceparent`` a request says which trace it belongs to."""
        self._app = app
        self._name_of = name_of
        self._tracer = tracer
        self._trusts_traceparent = trusts_traceparent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve within a span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        route, method = self._name_of(scope["path"]), scope["method"]
        method = method if method in _METHODS else _OTHER_METHOD
        span = self._tracer.start_span(
            f"{method} {route}",
            self._parent(scope),
            SpanKind.SERVER,
            {"http.request.method": method, "http.route": route},
        )

        async def noting_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                _note_status(span, message["status"])
            await send(message)

        with trace.use_span(span, end_on_exit=True, record_exception=False):
            await self._app(scope, receive, noting_send)

    def _parent(self, scope: Scope) -> context.Context:
        if not self._trusts_traceparent:
            return context.Context()
        sent = [value for name, value in scope["headers"] if name == _TRACEPARENT]
        if len(sent) != 1:
            return context.Context()
        return _W3C.extract({"traceparent": sent[0].decode("latin-1")}, context.Context())


def _note_status(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= _SERVER_ERROR:
        span.set_status(StatusCode.ERROR)
    notes = current_notes()
    if notes is None:
        return
    named = {"ciba.client_id": notes.client_id, "ciba.transaction_id": notes.transaction_id}
    for name, value in named.items():
        if value is not None:
            span.set_attribute(name, value)


class TracedOperations(Operations):
    """Operations with a span each, where somebody waits for them within one.

    What is done in the background would be thousands of traces of one span.
    """

    __slots__ = ("_tracer",)

    def __init__(
        self,
        commands: Commands,
        *,
        clock: Clock,
        deadline_ms: int,
        tracer: Tracer,
        durable: Commands | None = None,
    ) -> None:
        super().__init__(commands, clock=clock, deadline_ms=deadline_ms, durable=durable)
        self._tracer = tracer

    async def evaluate(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Any:  # noqa: ANN401 - a Redis reply
        """Run a script; raises ``StoreUnavailable``."""
        if not _is_traced():
            return await super().evaluate(script, keys, args)
        with self._span(script.name):
            return await super().evaluate(script, keys, args)

    async def evaluate_each(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument]
    ) -> list[Any]:
        """Ask for one value of each key; raises ``StoreUnavailable``."""
        if not _is_traced():
            return await super().evaluate_each(script, keys, args)
        with self._span(script.name):
            return await super().evaluate_each(script, keys, args)

    async def call(self, name: str, *arguments: Argument) -> Any:  # noqa: ANN401 - a Redis reply
        """Run one command; raises ``StoreUnavailable``."""
        if not _is_traced():
            return await super().call(name, *arguments)
        with self._span(name):
            return await super().call(name, *arguments)

    async def call_durably(self, name: str, *arguments: Argument) -> Any:  # noqa: ANN401 - a Redis reply
        """Run one command durably; raises ``StoreUnavailable``."""
        if not _is_traced():
            return await super().call_durably(name, *arguments)
        with self._span(name):
            return await super().call_durably(name, *arguments)

    @contextmanager
    def _span(self, name: str) -> Iterator[None]:
        # Not the current one: several steps of a task go on at once, and nothing is below this.
        span = self._tracer.start_span(
            f"redis {name}",
            kind=SpanKind.CLIENT,
            attributes={"db.system.name": "redis", "db.operation.name": name},
        )
        try:
            yield
        except BaseException:
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            span.end()


def _is_traced() -> bool:
    return trace.get_current_span().is_recording()


class TracedOutbound:
    """``ports.Outbound`` of one purpose, with a span for each request; it names no address."""

    __slots__ = ("_outbound", "_purpose", "_tracer")

    def __init__(self, outbound: Outbound, purpose: str, tracer: Tracer) -> None:
        self._outbound = outbound
        self._purpose = purpose
        self._tracer = tracer

    async def send(self, request: OutboundRequest) -> OutboundResponse | OutboundFailure:
        """See ``Outbound``."""
        with self._tracer.start_as_current_span(
            f"{request.method} {self._purpose}",
            kind=SpanKind.CLIENT,
            attributes={"http.request.method": request.method, "ciba.purpose": self._purpose},
        ) as span:
            result = await self._outbound.send(request)
            if isinstance(result, OutboundFailure):
                span.set_attribute("error.type", result.reason)
                span.set_status(StatusCode.ERROR)
            else:
                span.set_attribute("http.response.status_code", result.status)
            return result
