"""Operators see security events as they happen."""

import pytest

from ciba_service.flow.asking.open_streams import OPERATORS_PLACES
from ciba_service.ports import StoreUnavailable
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.operators.recent_events import RedisRecentEvents
from tests.services.running_service import RunningService, running_service
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.events import STREAM, EventReader
from tests.wire.operator import WRITER, Operators, operating, operators_section, problem

WRONG = {"authorization": "Bearer wrong"}


async def test_events_are_listed_a_page_at_a_time(service: RunningService, operators: Operators):
    """Oldest first, each as the file of events has it."""
    await operators.ask("GET", "/users", by=None, headers=WRONG)
    await operators.ask("POST", "/users/alice/unlock")
    await service.service.events.flush()
    first = await operators.get("/events", params={"limit": "1"})
    (refused,) = first["items"]
    assert refused["event"] == {"kind": "operator_authentication_failed", "peer": "127.0.0.1"}
    assert refused["severity"] == "alert"
    rest = await operators.get("/events", params={"cursor": first["next"]})
    kinds = [each["event"]["kind"] for each in rest["items"]]
    assert (kinds, rest["next"]) == (["factors_unlocked", "operator_wrote"], None)
    assert rest["items"][1]["event"]["operator"] == WRITER


async def test_events_are_followed(service: RunningService, operators: Operators):
    """What was, what comes, and after a break what was missed."""
    await operators.ask("GET", "/users", by=None, headers=WRONG)
    headers = {"accept": STREAM, **operators.bearer()}
    async with operators.http.stream("GET", "/operator/events", headers=headers) as answered:
        reader = EventReader(answered, answered.aiter_lines())
        first = await reader.next()
        assert first is not None
        assert (first.event, first.data["event"]["peer"]) == (
            "operator_authentication_failed",
            "127.0.0.1",
        )
        await operators.ask("POST", "/users/alice/unlock")
        later = [await reader.next() for _ in range(2)]
        assert [each and each.event for each in later] == ["factors_unlocked", "operator_wrote"]
    resumed = {**headers, "last-event-id": str(first.id)}
    async with operators.http.stream("GET", "/operator/events", headers=resumed) as answered:
        reader = EventReader(answered, answered.aiter_lines())
        assert (await reader.next()) == later[0]
        service.clock.advance(25)
        assert [each.event for each in await reader.rest()] == ["operator_wrote"]
    assert later[1] is not None
    up_to_date = {**headers, "last-event-id": str(later[1].id)}
    async with operators.http.stream("GET", "/operator/events", headers=up_to_date) as answered:
        reader = EventReader(answered, answered.aiter_lines())
        service.clock.advance(25)
        assert await reader.rest() == []
    head = await operators.ask("HEAD", "/events", headers={"accept": STREAM})
    assert (head.status_code, head.headers["content-type"]) == (200, "application/json")


async def test_too_many_streams_of_events(
    run_service: ServiceRunner, till: WireClient, tokens: dict[str, str]
):
    """Operators have places that clients cannot take; beyond them the list is still there."""
    sections = {"operators": operators_section(tokens), "server": {"max_event_streams": 0}}
    async with (
        run_service(clients=[till], sections=sections) as service,
        operating(service, tokens) as operators,
    ):
        headers = {"accept": STREAM, **operators.bearer()}
        async with operators.http.stream("GET", "/operator/events", headers=headers) as answered:
            assert answered.status_code == 200
        service.service.streams.open += OPERATORS_PLACES
        refused = await operators.ask("GET", "/events", headers={"accept": STREAM})
        assert problem(refused) == (503, "unavailable")
        assert (await operators.get("/events"))["items"] == []


async def test_operators_see_the_events_of_every_process(
    service: RunningService,
    operators: Operators,
    tokens: dict[str, str],
    embedded_target: RedisTarget,
    tmp_path_factory: pytest.TempPathFactory,
):
    """Also of one that they do not ask: within two seconds, numbered in one order."""
    headers = {"accept": STREAM, **operators.bearer()}
    sections = {"operators": operators_section(tokens)}
    directory = tmp_path_factory.getbasetemp() / "keys"
    async with (
        running_service(
            embedded_target, directory, clients=[WireClient("shop")], sections=sections
        ) as other,
        operating(other, tokens) as others,
        operators.http.stream("GET", "/operator/events", headers=headers) as answered,
    ):
        reader = EventReader(answered, answered.aiter_lines())
        await others.ask("GET", "/users", by=None, headers=WRONG)
        await other.service.events.flush()
        service.clock.advance(2)
        told = await reader.next()
        assert told is not None
        assert told.event == "operator_authentication_failed"
        await operators.ask("POST", "/users/alice/unlock")
        await service.service.events.flush()
        kinds = [each["event"]["kind"] for each in (await others.get("/events"))["items"]]
        assert kinds == ["operator_authentication_failed", "factors_unlocked", "operator_wrote"]


async def test_a_stream_ends_when_the_store_is_away(
    service: RunningService, operators: Operators, monkeypatch: pytest.MonkeyPatch
):
    """Whoever follows comes back; who comes while it is away is told so."""
    headers = {"accept": STREAM, **operators.bearer()}

    async def gone(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    async with operators.http.stream("GET", "/operator/events", headers=headers) as answered:
        reader = EventReader(answered, answered.aiter_lines())
        monkeypatch.setattr(RedisRecentEvents, "after", gone)
        service.clock.advance(2)
        assert await reader.rest() == []
    refused = await operators.ask("GET", "/events", headers={"accept": STREAM})
    assert problem(refused) == (503, "unavailable")
    names = [failure.name for failure in service.telemetry.failures]
    assert names == ["event_stream_failed", "store_unavailable"]
    service.telemetry.failures.clear()
