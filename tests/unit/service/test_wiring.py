"""The service as it is put together: addresses below the issuer, and tasks that come back."""

import asyncio
import contextlib

import httpx2
import pytest
from websockets.asyncio.client import connect

from ciba_service.sca.messages import SUBPROTOCOL
from ciba_service.wiring.running.background import supervise
from tests.fake_clock import FakeClock
from tests.services.recording_telemetry import RecordingTelemetry
from tests.services.running_service import PLAIN, RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

ISSUER = "https://op.example/banks/north"
PATH = "/banks/north"
OPENID = f"{PATH}/.well-known/openid-configuration"
OAUTH = f"/.well-known/oauth-authorization-server{PATH}"


@pytest.mark.clause("rfc8414-3.3-1", "rfc9068-4-6")
async def test_both_documents_stand_where_the_issuer_says(
    run_service: ServiceRunner, till: WireClient
):
    """Discovery appends to the issuer's path, RFC 8414 inserts before it; both say the same."""
    async with run_service(clients=[till], sections={"server": {"issuer": ISSUER}}) as service:
        openid, oauth = await service.http.get(OPENID), await service.http.get(OAUTH)
    for answer in (openid, oauth):
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
    document = openid.json()
    assert oauth.json() == document
    assert document["issuer"] == ISSUER
    assert document["token_endpoint"] == f"{ISSUER}/token"
    assert document["jwks_uri"] == f"{ISSUER}/jwks"
    assert document["backchannel_authentication_endpoint"] == f"{ISSUER}/bc-authorize"


@pytest.mark.parametrize(
    "path",
    [
        "/", PATH, "/token", "/bc-authorize", "/jwks", "/device/nonce", "/device/enrolments",
        "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server",
        f"{PATH}/healthz", f"{PATH}/token/", f"{PATH}//token", f"{OPENID}/",
        "/operator/users",
    ],
)  # fmt: skip
async def test_nothing_else_is_served(run_service: ServiceRunner, till: WireClient, path: str):
    """Beside the issuer's path there is nothing, and no path is corrected; the answer is JSON."""
    async with run_service(clients=[till], sections={"server": {"issuer": ISSUER}}) as service:
        answer = await service.http.get(path)
        assert service.service.operator_app is None
    assert (answer.status_code, answer.json()) == (
        404,
        {"error": "not_found", "error_description": "There is nothing at this address."},
    )
    assert answer.headers["cache-control"] == "no-store"


async def test_health_stands_at_the_root_whatever_the_issuer(
    run_service: ServiceRunner, till: WireClient
):
    """Load balancers ask the host; another method than GET is refused as JSON."""
    async with run_service(clients=[till], sections={"server": {"issuer": ISSUER}}) as service:
        assert (await service.http.get("/healthz")).status_code == 200
        assert (await service.http.get("/readyz")).status_code == 200
        wrong = await service.http.post("/readyz")
    assert (wrong.status_code, wrong.json()) == (
        405,
        {
            "error": "invalid_request",
            "error_description": "The request is malformed or lacks a required parameter.",
        },
    )
    assert "GET" in wrong.headers["allow"]


async def below_path(service: RunningService, http: httpx2.AsyncClient) -> WirePhone:
    """An enrolled phone and a till that know the service by its path."""
    service.till.issuer, service.till.http = ISSUER, http
    return WirePhone(http, ISSUER, service.clock)


@pytest.mark.clause("oidd-3-1")
async def test_a_whole_journey_below_the_path(run_service: ServiceRunner, till: WireClient):
    """Enrol, ask, approve over HTTPS, redeem; every audience and address has the path."""
    async with run_service(clients=[till], sections={"server": {"issuer": ISSUER}}) as service:
        base = service.issuer + PATH
        async with httpx2.AsyncClient(base_url=base, verify=PLAIN) as http:
            phone = await below_path(service, http)
            enrolment = phone.enrolment(await service.activation_code("alice"))
            answer = (await phone.send_enrolment(enrolment)).json()
            phone.learn(answer)
            document = (await http.get("/.well-known/openid-configuration")).json()
            auth_req_id = await till.started()
            assert (await phone.approve_next())["type"] == "accepted"
            tokens = (await till.poll(auth_req_id)).json()
        async with connect(
            f"ws{base.removeprefix('http')}/device/ws", subprotocols=[SUBPROTOCOL]
        ) as socket:
            assert ISSUER in str(await socket.recv())
    assert answer["websocket"] == f"wss{ISSUER.removeprefix('https')}/device/ws"
    assert answer["messages"] == f"{ISSUER}/device/messages"
    assert claims_of(tokens["id_token"])["iss"] == document["issuer"] == ISSUER
    assert claims_of(tokens["access_token"])["iss"] == ISSUER


async def test_a_task_that_fails_or_ends_is_begun_anew():
    """A second later, with a line in the log for each failure, until the service ends."""
    clock, telemetry = FakeClock(), RecordingTelemetry()
    begun = asyncio.Queue[int]()
    count = 0

    async def run() -> None:
        nonlocal count
        count += 1
        begun.put_nowait(count)
        if count == 1:
            raise ValueError("broken")

    supervising = asyncio.create_task(
        supervise("due_worker", run, clock=clock, telemetry=telemetry)
    )
    for expected in (1, 2, 3):
        assert await begun.get() == expected
        await asyncio.sleep(0)  # It sleeps now.
        assert begun.empty()
        clock.advance(1)
    supervising.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await supervising
    (failure,) = telemetry.failures
    assert failure.name == "task_failed"
    assert failure.fields["task"] == "due_worker"
