"""One line of the log for each request, with what is known of it and nothing secret."""

import asyncio

import pytest
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message, Receive, Scope, Send

from ciba_service.endpoints.request_log import EndpointNames, ObservedRequests, RequestTelemetry
from ciba_service.ports.request_notes import (
    current_notes,
    note_client,
    note_interaction,
    note_transaction,
)
from ciba_service.sca.messages import transaction_id
from tests.services.recording_telemetry import Event, RecordingTelemetry
from tests.services.running_service import RunningService
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone

UUID = "c770aef3-6784-41f7-8e0e-ff5f97bddb3a"


def requests_of(telemetry: RecordingTelemetry, endpoint: str) -> list[Event]:
    """The lines of requests at an endpoint."""
    return [each for each in telemetry.events if each.fields.get("endpoint") == endpoint]


async def test_each_request_has_one_line(service: RunningService, phone: WirePhone):
    """Client, transaction, outcome, status and duration of every request of a flow."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    await service.till.poll(auth_req_id)
    await phone.send({"type": "decide", "decision": phone.approval(challenge)})
    await service.till.poll(auth_req_id)
    name = transaction_id(auth_req_id)
    (started,) = requests_of(service.telemetry, "/bc-authorize")
    pending, redeemed = requests_of(service.telemetry, "/token")
    assert [each.name for each in (started, pending, redeemed)] == [
        "request_answered",
        "request_refused",
        "request_answered",
    ]
    for line in (started, pending, redeemed):
        assert line.fields["client_id"] == "till"
        assert line.fields["transaction_id"] == name
        assert isinstance(line.fields["duration_ms"], float)
    assert (pending.fields["error"], pending.fields["status"]) == ("authorization_pending", 400)
    assert redeemed.fields["status"] == 200


async def test_the_interaction_id_stands_in_every_line_of_a_request(service: RunningService):
    """It is taken from the header, if it is one UUID."""
    await service.enrolled_phone("alice")
    till = service.till
    form = {**till.credentials(), "request": till.request_object()}
    await till.post("/bc-authorize", form, headers={"x-fapi-interaction-id": UUID})
    (line,) = requests_of(service.telemetry, "/bc-authorize")
    assert line.fields["interaction_id"] == UUID
    (event,) = service.telemetry.named("transaction_started")
    assert event.fields["interaction_id"] == UUID


@pytest.mark.parametrize("sent", ["x" * 5_000, "1\t2", f"{UUID}, {UUID}", ""])
async def test_what_is_no_uuid_is_in_no_line(service: RunningService, sent: str):
    """Whatever else is sent under that name is neither logged nor a reason to refuse."""
    await service.http.get("/jwks", headers={"x-fapi-interaction-id": sent})
    (line,) = requests_of(service.telemetry, "/jwks")
    assert line.name == "request_answered"
    assert line.fields["interaction_id"] is None


async def test_who_is_no_client_is_not_named(service: RunningService):
    """A client is named when it has proven who it is, and not when it only says so."""
    stranger = WireClient("stranger")
    stranger.issuer, stranger.clock, stranger.http = (
        service.issuer,
        service.clock,
        service.http,
    )
    assert (await stranger.start()).status_code == 401
    (line,) = requests_of(service.telemetry, "/bc-authorize")
    assert (line.fields["error"], line.fields["client_id"]) == ("invalid_client", None)


async def test_health_and_what_is_no_endpoint_fill_no_log(service: RunningService):
    """Neither probes nor scanners have lines."""
    before = len(service.telemetry.events)
    for path in ("/healthz", "/readyz", "/nowhere"):
        await service.http.get(path)
    assert len(service.telemetry.events) == before


def test_outside_of_a_request_nothing_is_noted():
    """Due work tells the log what it has to tell, and no request takes its names."""
    log = RecordingTelemetry()
    note_client("till")
    note_transaction("name")
    note_interaction(UUID)
    RequestTelemetry(log).event("transaction_expired", transaction_id="name")
    assert current_notes() is None
    assert log.events == [Event("transaction_expired", {"transaction_id": "name"})]


async def _refused(app_sends: bool, log: RecordingTelemetry) -> None:  # noqa: FBT001 - one of two
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        note_client("till")
        RequestTelemetry(log).failure("defect", ValueError("wrong"))
        if app_sends:
            await send({"type": "http.response.start", "status": 200, "headers": []})

    async def nothing() -> Message:
        raise AssertionError

    async def sent(message: Message) -> None:
        del message

    observed = ObservedRequests(app, names=EndpointNames(), telemetry=log)
    await observed({"type": "http", "path": "/x", "headers": []}, nothing, sent)


@pytest.mark.parametrize(
    ("sends", "name"), [(True, "request_answered"), (False, "request_abandoned")]
)
async def test_a_failure_has_the_names_of_its_request(*, sends: bool, name: str):
    """What goes wrong on the way is told under the same names, and an answer never sent as well."""
    log = RecordingTelemetry()
    await asyncio.create_task(_refused(sends, log))
    assert log.failures[0].fields["client_id"] == "till"
    assert [each.name for each in log.events] == [name]
    assert log.events[0].fields["endpoint"] == "other"


async def _endpoint(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError((scope, receive, send))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/bank/token", "/token"),
        ("/bank/tokens", "other"),
        ("/token", "other"),
        ("/bank/register/one", "/register/{client_id}"),
        ("/bank/register/one/two", "other"),
        ("/bank/device/ws", "other"),
    ],
)
def test_whatever_is_asked_for_has_one_of_a_few_names(path: str, name: str):
    """What stands for a parameter makes no name of its own, nor does the path of the issuer."""
    routes = [
        Route("/bank/token", _endpoint),
        Route("/bank/register/{client_id}", _endpoint),
        WebSocketRoute("/bank/device/ws", _endpoint),
    ]
    assert EndpointNames(routes, below="/bank").of(path) == name
