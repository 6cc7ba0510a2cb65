"""Whoever guesses from one address is refused there for a while; nobody else is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.resource import refusal
from tests.wire.signing import new_key

STRANGER, NEIGHBOUR = "192.0.2.1", "192.0.2.2"
SECTIONS = {
    "server": {"address_header": "X-Real-IP"},
    "mtls": {"base_url": "https://mtls.bank.example", "proxies": ["127.0.0.1"]},
    "limits": {"failed_authentications": 3, "failed_enrolments": 2},
}
TOO_MANY = (429, "too_many_failures")


@pytest.fixture
async def behind(run_service: ServiceRunner, till: WireClient) -> AsyncIterator[RunningService]:
    """A service behind a proxy that tells addresses."""
    async with run_service(clients=[till], sections=SECTIONS) as running:
        yield running
        assert running.telemetry.failures == []


@asynccontextmanager
async def at(service: RunningService, address: str) -> AsyncIterator[WireClient]:
    """The client, asking from this address."""
    till = service.till
    headers = {"x-real-ip": address}
    async with httpx2.AsyncClient(base_url=service.issuer, headers=headers, timeout=None) as http:
        before, till.http = till.http, http
        yield till
        till.http = before


async def guess(client: WireClient, path: str = "/bc-authorize") -> httpx2.Response:
    """A request signed by another key than the client's."""
    forged = client.assertion(key=new_key(kid=client.key.kid))
    return await client.post(path, {**client.credentials(), "client_assertion": forged})


async def peer_of(service: RunningService, kind: str) -> object:
    """The address in the first event of a kind."""
    number = 1
    while (told := await service.telemetry.seen("security_event", number)).fields["kind"] != kind:
        number += 1
    return told.fields["peer"]


async def test_who_guesses_a_clients_key_has_to_wait(behind: RunningService):
    """429 with a time to come again, by whatever endpoint; the neighbour is served."""
    async with at(behind, STRANGER) as stranger:
        for path in ("/bc-authorize", "/introspect", "/token"):
            assert refusal(await guess(stranger, path)) == (401, "invalid_client")
        for path in ("/bc-authorize", "/bc-authorize/cancel", "/introspect", "/revoke"):
            answer = await guess(stranger, path)
            assert refusal(answer) == TOO_MANY
            assert 0 < int(answer.headers["retry-after"]) <= 20
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["connection"] == "close"
    async with at(behind, NEIGHBOUR) as neighbour:
        assert refusal(await guess(neighbour)) == (401, "invalid_client")


async def test_no_poll_is_ever_told_429(behind: RunningService):
    """The token endpoint counts failures, and goes on to look at whoever asks."""
    async with at(behind, STRANGER) as stranger:
        for _ in range(5):
            assert refusal(await guess(stranger, "/token")) == (401, "invalid_client")
        assert refusal(await stranger.poll("A" * 43)) == (400, "invalid_grant")


async def test_who_has_authenticated_is_not_kept_out_by_others(behind: RunningService):
    """Behind one address there may be several; nobody can lock a client out that works."""
    async with at(behind, STRANGER) as till:
        assert refusal(await till.poll("A" * 43)) == (400, "invalid_grant")
        for _ in range(5):
            assert refusal(await guess(till)) == (401, "invalid_client")
        assert (await till.start(login_hint="nobody")).status_code == 400


async def test_who_guesses_activation_codes_has_to_wait(behind: RunningService):
    """Whatever is wrong with an enrolment counts."""
    wrong = {"enrolment": "a.b.c"}
    for address, outcome in ((STRANGER, TOO_MANY), (NEIGHBOUR, (400, "invalid_enrolment"))):
        headers = {"x-real-ip": address}
        for _ in range(2 if address == STRANGER else 0):
            refused = await behind.http.post("/device/enrolments", json=wrong, headers=headers)
            assert refusal(refused) == (400, "invalid_enrolment")
        answer = await behind.http.post("/device/enrolments", json=wrong, headers=headers)
        assert refusal(answer) == outcome


async def test_where_nobody_says_who_it_is_nobody_is_blamed(behind: RunningService):
    """Behind a proxy that tells no address there are many."""
    for _ in range(5):
        assert refusal(await guess(behind.till)) == (401, "invalid_client")


async def test_events_tell_the_address_that_the_proxy_told(behind: RunningService):
    """And not that of the proxy."""
    async with at(behind, STRANGER) as stranger:
        await guess(stranger)
    assert await peer_of(behind, "client_authentication_failed") == STRANGER


async def test_a_socket_has_the_address_that_the_proxy_told(behind: RunningService):
    """As requests have."""
    phone = await behind.enrolled_phone()
    headers = {"x-real-ip": STRANGER}
    async with phone.raw_socket(additional_headers=headers) as socket:
        await socket.recv()
        await socket.send('{"type": "authenticate", "proof": "a.b.c"}')
        await socket.wait_closed()
    assert await peer_of(behind, "phone_proof_refused") == STRANGER
