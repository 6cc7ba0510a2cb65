"""Spans: one for a request, and below it one for each operation; none where they are off."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import Span, SpanContext, Status, StatusCode, TraceFlags, Tracer

from ciba_service.ports.outbound import (
    FailureReason,
    OutboundFailure,
    OutboundMethod,
    OutboundRequest,
    OutboundResponse,
)
from ciba_service.settings import InvalidSettingsError, parse_settings
from ciba_service.settings.files import check_files
from ciba_service.tracing import Tracing
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = 0x0AF7651916CD43DD8448EB211C80319C


@dataclass
class RecordedSpan(Span):
    """A span that keeps what it is told."""

    name: str
    parent: SpanContext
    number: int
    attributes: dict[str, Any] = field(default_factory=dict)
    is_error: bool = False
    is_over: bool = False

    def end(self, end_time: int | None = None) -> None:
        """It is over."""
        del end_time
        self.is_over = True

    def get_span_context(self) -> SpanContext:
        """Its own names: in its parent's trace if it has one."""
        trace_id = self.parent.trace_id if self.parent.is_valid else self.number
        return SpanContext(trace_id, self.number, is_remote=False, trace_flags=TraceFlags(1))

    def set_attribute(self, key: str, value: Any) -> None:
        """Keep it."""
        self.attributes[key] = value

    def set_attributes(self, attributes: Any) -> None:
        """Keep them."""
        self.attributes |= attributes

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Keep whether it is an error."""
        del description
        self.is_error = status is StatusCode.ERROR

    def is_recording(self) -> bool:
        """Until it is over."""
        return not self.is_over

    def update_name(self, name: str) -> None:
        """Keep it."""
        self.name = name

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Nothing of ours has events."""
        raise AssertionError((name, attributes, timestamp))

    def record_exception(self, *arguments: Any, **options: Any) -> None:
        """What an exception says may be secret."""
        raise AssertionError((arguments, options))


class RecordingTracer(Tracer):
    """The API's tracer, over a list."""

    def __init__(self) -> None:
        self.spans: list[RecordedSpan] = []

    def start_span(self, name: str, context: Any = None, *arguments: Any, **options: Any) -> Span:
        """Begin one."""
        attributes = options.get("attributes") or (arguments[1] if len(arguments) > 1 else {})
        parent = trace.get_current_span(context).get_span_context()
        span = RecordedSpan(name, parent, len(self.spans) + 1, dict(attributes))
        self.spans.append(span)
        return span

    def start_as_current_span(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Begin one that others are below."""
        span = self.start_span(name, attributes=options.get("attributes"))
        del arguments
        return trace.use_span(span, end_on_exit=True, record_exception=False)

    def get_tracer(self, *arguments: Any, **options: Any) -> Tracer:
        """A provider of itself."""
        del arguments, options
        return self

    def below(self, span: RecordedSpan) -> list[RecordedSpan]:
        """The spans whose parent this is."""
        return [each for each in self.spans if each.parent.span_id == span.number]


@pytest.fixture
def tracer(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingTracer]:
    """What the process's provider gives."""
    recording = RecordingTracer()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: recording)
    return recording


@pytest.fixture
async def bank(
    run_service: ServiceRunner, till: WireClient, tracer: RecordingTracer
) -> AsyncIterator[RunningService]:
    """A service that traces, and trusts nobody with it."""
    assert tracer.spans == []
    sections = {"tracing": {"enabled": True}}
    async with run_service(clients=[till], sections=sections) as running:
        yield running


def of_request(tracer: RecordingTracer, name: str) -> RecordedSpan:
    """The one span of this name."""
    (span,) = [each for each in tracer.spans if each.name == name]
    return span


async def test_a_request_is_a_span_with_its_operations_below(
    bank: RunningService, tracer: RecordingTracer
):
    """Named by endpoint, with client and transaction, and the scripts it ran."""
    await bank.enrolled_phone("alice")
    auth_req_id = await bank.till.started()
    span = of_request(tracer, "POST /bc-authorize")
    assert span.is_over
    assert not span.parent.is_valid
    assert span.attributes["http.route"] == "/bc-authorize"
    assert span.attributes["http.response.status_code"] == 200
    assert span.attributes["ciba.client_id"] == "till"
    operations = {each.name for each in tracer.below(span)}
    assert {"redis create_transaction", "redis reserve_prompt"} <= operations
    told = repr([(each.name, each.attributes) for each in tracer.spans])
    assert auth_req_id not in told
    assert "alice" not in told


async def test_nobody_is_trusted_with_the_trace(bank: RunningService, tracer: RecordingTracer):
    """A traceparent is not heeded, and the background has no spans."""
    await bank.http.get("/jwks", headers={"traceparent": PARENT})
    assert not of_request(tracer, "GET /jwks").parent.is_valid
    assert all(each.name.startswith("GET") for each in tracer.spans)


async def test_the_trace_is_taken_where_the_operator_says_so(
    run_service: ServiceRunner, till: WireClient, tracer: RecordingTracer
):
    """One well-formed traceparent; two, or another text, are none."""
    sections = {"tracing": {"enabled": True, "trust_traceparent": True}}
    async with run_service(clients=[till], sections=sections) as running:
        for sent in ([PARENT], [PARENT, PARENT], ["00-x"], []):
            await running.http.get("/jwks", headers=[("traceparent", each) for each in sent])
        await running.http.request("PATCH", "/jwks")
    traces = [span.parent.trace_id for span in tracer.spans if span.name == "GET /jwks"]
    assert traces == [TRACE, 0, 0, 0]
    assert of_request(tracer, "_OTHER /jwks").attributes["http.response.status_code"] == 405


class Answering:
    """``ports.Outbound`` that has one answer."""

    def __init__(self, result: OutboundResponse | OutboundFailure) -> None:
        self._result = result

    async def send(self, request: OutboundRequest) -> OutboundResponse | OutboundFailure:
        """Answer."""
        del request
        return self._result


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (OutboundResponse(status=204), {"http.response.status_code": 204}),
        (OutboundFailure(FailureReason.TIMEOUT, "late"), {"error.type": "timeout"}),
    ],
)
async def test_a_request_to_somebody_else_is_a_span_without_address(
    result: OutboundResponse | OutboundFailure, told: dict[str, object]
):
    """Purpose and outcome; whom it went to, and with what, is nobody's business."""
    tracer = RecordingTracer()
    tracing = Tracing(trusts_traceparent=False, provider=tracer)  # type: ignore[arg-type] # the same
    request = OutboundRequest(
        method=OutboundMethod.POST, url="https://shop.example/cb", deadline=1, maximum_body=None
    )
    assert await tracing.outbound(Answering(result), "callback").send(request) is result
    (span,) = tracer.spans
    assert span.name == "POST callback"
    assert told.items() <= span.attributes.items()
    assert span.is_error == isinstance(result, OutboundFailure)
    assert "shop" not in repr(span)


def test_nothing_is_imported_where_there_are_no_spans():
    """Whoever has not installed the extra can run the service."""
    program = "import sys; sys.modules['opentelemetry'] = None; import ciba_service.cli"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0  # noqa: S603 - ours


def test_without_the_extra_the_start_says_what_is_missing(monkeypatch: pytest.MonkeyPatch):
    """A sentence, and no traceback; and trust without spans is a mistake."""
    text = '[server]\nissuer = "http://127.0.0.1:1"\n[tracing]\n'
    settings = parse_settings(f"{text}enabled = true\n", {})
    check_files(settings)
    monkeypatch.setattr("ciba_service.settings.files.find_spec", lambda _: None)
    with pytest.raises(InvalidSettingsError, match="install the extra otel"):
        check_files(settings)
    with pytest.raises(InvalidSettingsError, match=r"goes with tracing\.enabled"):
        parse_settings(f"{text}trust_traceparent = true\n", {})
