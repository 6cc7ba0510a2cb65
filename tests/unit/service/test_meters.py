"""What goes wrong is counted as what goes well: failures, retries, requests without an answer."""

import pytest
from prometheus_client import CollectorRegistry

from ciba_service.metrics.families import Families
from ciba_service.metrics.meters import MeteredOutbound, StoreMeter
from ciba_service.metrics.telemetry import CountedEvents, MeteredTelemetry
from ciba_service.ports import StoreUnavailable
from ciba_service.ports.outbound import (
    FailureReason,
    OutboundFailure,
    OutboundMethod,
    OutboundRequest,
    OutboundResponse,
)
from ciba_service.protocol.security_events.kinds import EvidenceNotWritten
from ciba_service.stores.driver.faults import StoreFault
from ciba_service.stores.driver.run import run
from tests.fake_clock import FakeClock
from tests.services.recording_telemetry import RecordingTelemetry


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    """The value of a series."""
    return registry.get_sample_value(name, labels)


class Answering:
    """``ports.Outbound`` that has one answer."""

    def __init__(self, result: OutboundResponse | OutboundFailure) -> None:
        self._result = result

    async def send(self, request: OutboundRequest) -> OutboundResponse | OutboundFailure:
        """Answer."""
        del request
        return self._result


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (OutboundResponse(status=204), "2xx"),
        (OutboundResponse(status=503), "5xx"),
        (OutboundFailure(FailureReason.TIMEOUT, "late"), "timeout"),
    ],
)
async def test_requests_to_others_are_measured_by_outcome(
    result: OutboundResponse | OutboundFailure, outcome: str
):
    """By the class of their status, or why there was no answer."""
    families = Families()
    request = OutboundRequest(
        method=OutboundMethod.GET, url="https://a.example", deadline=1, maximum_body=None
    )
    assert await MeteredOutbound(Answering(result), "callback", families).send(request) is result
    name = "ciba_outbound_duration_seconds_count"
    assert value(families.registry, name, purpose="callback", outcome=outcome) == 1


async def test_retries_and_deadlines_of_the_store_are_counted():
    """Each repetition of an operation, and that it was given up."""
    families, clock = Families(), FakeClock()
    faults = [StoreFault("one"), StoreFault("two"), None]

    async def operation() -> str:
        fault = faults.pop(0)
        if fault is not None:
            raise fault
        return "done"

    class Prompt(FakeClock):
        async def sleep(self, seconds: float) -> None:
            del seconds

    meter = StoreMeter(families)
    assert await run(operation, deadline_ms=10_000, clock=Prompt(), observer=meter) == "done"
    assert value(families.registry, "ciba_store_retries_total") == 2
    faults.append(StoreFault("three"))
    with pytest.raises(StoreUnavailable):
        await run(operation, deadline_ms=1, clock=clock, observer=meter)
    assert value(families.registry, "ciba_store_deadlines_exceeded_total") == 1
    meter.round_trip(3, 0.01, failed=True)
    name = "ciba_store_round_trip_duration_seconds_count"
    assert value(families.registry, name, outcome="failed") == 1
    meter.waited(0.01, enough=True)
    meter.waited(1.0, enough=False)
    name = "ciba_store_replica_wait_duration_seconds_sum"
    assert value(families.registry, name, outcome="acknowledged") == 0.01
    assert value(families.registry, name, outcome="short") == 1.0


def test_events_and_failures_are_counted_and_passed_on():
    """Whatever is counted is logged all the same."""
    families, log = Families(), RecordingTelemetry()
    telemetry = MeteredTelemetry(log, families)
    telemetry.failure("store_unavailable", ValueError("wrong"))
    telemetry.event("callback_due", attempts=1)
    telemetry.event("wake_up_attempted", failure="timeout")
    telemetry.event("wake_up_attempted", status=201)
    telemetry.security_event(EvidenceNotWritten())
    CountedEvents(log, families).security_event(EvidenceNotWritten())
    registry = families.registry
    assert value(registry, "ciba_failures_total") == 1
    assert value(registry, "ciba_callbacks_total", outcome="due_again") == 1
    assert value(registry, "ciba_wake_ups_total", outcome="failed") == 1
    assert value(registry, "ciba_wake_ups_total", outcome="answered") == 1
    assert value(registry, "ciba_security_events_total", kind="evidence_not_written") == 1
    assert len(log.failures) == 1
    assert len(log.events) == 3
    assert len(log.security_events) == 2
