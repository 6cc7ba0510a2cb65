"""A crowded service: who is refused has lost nothing, who waits elsewhere takes no place."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.journeys.delivery.test_long_polling import held
from tests.journeys.running.test_metrics import scrape
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import CIBA, WireClient
from tests.wire.events import stream
from tests.wire.registration import bearer, metadata_of, register, registration_section
from tests.wire.resource import refusal
from tests.wire.signing import new_key
from tests.wire.tokens import granted

FEW = {"server": {"max_requests": 1, "max_waiting_requests": 0}, "metrics": {"port": 0}}
UNAVAILABLE = (503, "temporarily_unavailable")


@pytest.fixture
async def small(
    run_service: ServiceRunner, till: WireClient, other_till: WireClient
) -> AsyncIterator[RunningService]:
    """A service that works on one request at a time and lets nobody wait."""
    async with run_service(clients=[till, other_till], sections=FEW) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.mark.clause("ciba-10.1-9")
async def test_a_refused_poll_is_none_and_may_be_sent_again(small: RunningService):
    """503 with a time to come again, never 429; assertion and interval are untouched."""
    phone = await small.enrolled_phone()
    auth_req_id, used = await small.till.started(), small.till.credentials()
    small.service.admission.enter()
    for _ in range(3):
        answer = await small.till.poll(auth_req_id, **used)
        assert refusal(answer) == UNAVAILABLE
        assert 1 <= int(answer.headers["retry-after"]) <= 3
        assert answer.headers["cache-control"] == "no-store"
    small.service.admission.leave()
    assert refusal(await small.till.poll(auth_req_id, **used)) == (400, "authorization_pending")
    await phone.approve_next()
    assert (await small.till.poll(auth_req_id)).status_code == 200


async def test_a_refused_request_may_be_sent_again(small: RunningService):
    """Neither its assertion nor its signed request counts as used."""
    await small.enrolled_phone()
    form = {**small.till.credentials(), "request": small.till.request_object()}
    small.service.admission.enter()
    assert refusal(await small.till.post("/bc-authorize", form)) == UNAVAILABLE
    small.service.admission.leave()
    assert (await small.till.post("/bc-authorize", form)).status_code == 200


@pytest.mark.parametrize("path", ["/token", "/bc-authorize"])
async def test_a_client_that_has_its_share_is_refused_before_its_assertion_is_spent(
    run_service: ServiceRunner, till: WireClient, other_till: WireClient, path: str
):
    """Four places, two clients at work: the third of one of them has to come again."""
    sections = {"server": {"max_requests": 4}}
    async with run_service(clients=[till, other_till], sections=sections) as service:
        await service.enrolled_phone()
        request = {"request": till.request_object()} if path == "/bc-authorize" else {}
        form = {"grant_type": CIBA, "auth_req_id": "A" * 43, **till.credentials(), **request}
        form = form if path == "/token" else {**till.credentials(), **request}
        gate = service.service.admission
        for name in ("till", "till", "other-till"):
            gate.enter()
            assert gate.shares.enter(name, "192.0.2.1", places=4, crowded=False)
        assert refusal(await till.post(path, form)) == UNAVAILABLE
        assert refusal(await other_till.poll("A" * 43)) == (400, "invalid_grant")
        gate.leave()
        again = await till.post(path, form)
        assert again.status_code == (200 if path == "/bc-authorize" else 400)
        assert again.json().get("error") != "invalid_client"
        assert service.telemetry.failures == []


async def test_a_held_poll_takes_no_place(small: RunningService):
    """Others are served while it waits, and it gets its tokens."""
    phone = await small.enrolled_phone()
    async with held(small, await small.till.started()) as poll:
        assert small.service.admission.in_work == 0
        assert refusal(await small.till.poll("A" * 43)) == (400, "invalid_grant")
        await phone.approve_next()
        assert (await poll).status_code == 200
    assert small.service.admission.in_work == 0


async def test_a_stream_of_events_takes_no_place(small: RunningService):
    """Others are served while it is open."""
    await small.enrolled_phone()
    async with stream(small.till, await small.till.started()) as reader:
        assert reader.answer.status_code == 200
        assert small.service.admission.in_work == 0
        assert refusal(await small.till.poll("A" * 43)) == (400, "invalid_grant")


async def test_a_socket_of_a_phone_takes_no_place(small: RunningService):
    """A crowd of clients does not keep phones from what they are to decide."""
    phone = await small.enrolled_phone()
    await small.till.started()
    small.service.admission.enter()
    async with phone.online() as socket:
        offered = [*socket.first, *([] if socket.first else [await socket.next("challenge")])]
        assert offered[0]["type"] == "challenge"
    small.service.admission.leave()


async def test_a_page_can_read_that_it_has_to_come_again(run_service: ServiceRunner):
    """A phone that is a web page is refused where its answer gets the headers of the others."""
    page = "http://127.0.0.1:8070"
    sections = {**FEW, "device": {"allowed_origins": [page]}}
    async with run_service(clients=[], sections=sections) as service:
        service.service.admission.enter()
        headers = {"origin": page}
        refused = await service.http.post("/device/messages", json={}, headers=headers)
        assert refusal(refused) == UNAVAILABLE
        nonce = await service.http.get("/device/nonce", headers=headers)
        assert nonce.status_code == 200
        for answer in (refused, nonce):
            assert answer.headers["access-control-allow-origin"] == page
        assert refusal(await service.http.get("/device/nonce")) == UNAVAILABLE


async def test_what_a_page_asks_of_a_resource_waits_for_its_place(small: RunningService):
    """It is refused as the resource refuses, and the token is as good as before."""
    phone = await small.enrolled_phone()
    token = (await granted(small.till, phone))["access_token"]
    headers = {"authorization": f"Bearer {token}", "origin": "https://page.example"}
    small.service.admission.enter()
    answer = await small.http.get("/userinfo", headers=headers)
    assert refusal(answer) == UNAVAILABLE
    assert answer.headers["retry-after"] == "1"
    assert "x-fapi-interaction-id" in answer.headers
    small.service.admission.leave()
    assert (await small.http.get("/userinfo", headers=headers)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_client_that_looks_after_itself_waits_for_its_place(
    run_service: ServiceRunner, method: str
):
    """Also when it says that it is a page; nothing is done of what it asks."""
    sections = {**FEW, "registration": registration_section()}
    async with run_service(clients=[], sections=sections) as service:
        members = metadata_of(new_key())
        registered = (await register(service, members)).json()
        path = f"/register/{registered['client_id']}"
        headers = bearer(registered["registration_access_token"])

        async def asked(**more: str) -> httpx2.Response:
            body = {**members, "client_id": registered["client_id"]} if method == "PUT" else None
            return await service.http.request(method, path, json=body, headers={**headers, **more})

        service.service.admission.enter()
        assert refusal(await asked()) == UNAVAILABLE
        assert refusal(await asked(origin="https://page.example")) == UNAVAILABLE
        service.service.admission.leave()
        assert (await service.http.get(path, headers=headers)).json() == registered
        assert (await asked(origin="https://page.example")).status_code in {200, 204}


async def test_a_crowded_process_is_alive_and_ready(small: RunningService):
    """Taken out of service, it would leave its crowd to the others."""
    small.service.admission.enter()
    for path in ("/healthz", "/readyz"):
        assert (await small.http.get(path)).status_code == 200
    assert (await small.http.get("/jwks")).status_code == 503


async def test_refusals_are_counted_by_cause(small: RunningService):
    """And what the gate looks like can be scraped; nothing else is measured of who was refused."""
    small.service.admission.enter()
    for _ in range(3):
        await small.till.poll("A" * 43)
    seen = await scrape(small)
    assert seen.value("ciba_requests_shed_total", cause="full") == 3
    assert seen.labels("cause") == {"full", "too_late", "share"}
    assert seen.value("ciba_requests_in_work") == 1
    assert seen.value("ciba_request_places") == 1
    assert seen.value("ciba_requests_waiting") == 0
    assert seen.requests("/token", "temporarily_unavailable") == 0
    # A line each second in which there were some.
    async with asyncio.timeout(10):
        while sum(line.fields["number"] for line in small.telemetry.named("requests_shed")) < 3:
            await small.telemetry.next()
    lines = small.telemetry.named("requests_shed")
    assert sum(line.fields["number"] for line in lines) == 3
    assert {line.fields["limit"] for line in lines} == {1}
    small.service.admission.leave()
