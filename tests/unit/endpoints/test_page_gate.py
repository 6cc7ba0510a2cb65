"""Web pages as phones: which are let in, what they may send and read, and what others get."""

from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from ciba_service.sca.messages import SUBPROTOCOL
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient

PAGE = "https://app.bank.example"
LOGO = f"/device/logos/{'A' * 43}"
PATHS = {
    "/device/enrolments": "POST",
    "/device/nonce": "GET",
    "/device/messages": "POST",
    LOGO: "GET",
}
STATUS = {"/device/enrolments": 400, "/device/nonce": 200, "/device/messages": 400, LOGO: 404}
FOREIGN = ["https://evil.example", "null", "http://app.bank.example", "https://app.bank.example/"]
CORS = "access-control-"


@pytest.fixture
async def bank(run_service: ServiceRunner, till: WireClient) -> AsyncIterator[RunningService]:
    """A service that lets the pages of one origin act as phones, without passkeys."""
    sections = {"device": {"allowed_origins": [PAGE], "second_secret": False}}
    async with run_service(clients=[till], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


async def test_a_page_asks_what_it_may_send(bank: RunningService):
    """The preflight names the one method and the two headers, and allows no cookies."""
    for path, method in PATHS.items():
        wanted = {"origin": PAGE, "access-control-request-method": method}
        answer = await bank.http.options(path, headers=wanted)
        assert (answer.status_code, answer.content) == (204, b"")
        assert {name: each for name, each in answer.headers.items() if name.startswith(CORS)} == {
            "access-control-allow-origin": PAGE,
            "access-control-allow-methods": method,
            "access-control-allow-headers": "authorization, content-type",
            "access-control-max-age": "600",
        }
        assert answer.headers["vary"] == "Origin"


async def test_only_a_page_that_asks_first_is_answered_what_it_may_send(bank: RunningService):
    """Neither a request with the header of one that asks, nor one that names no page."""
    for path, method in PATHS.items():
        asking = {"access-control-request-method": method}
        sent = await bank.http.request(method, path, headers={"origin": PAGE, **asking})
        assert sent.status_code == STATUS[path]
        assert (await bank.http.options(path, headers=asking)).status_code == 405


async def test_a_page_reads_every_answer(bank: RunningService):
    """Refusals, too, and when to try again; no cache mixes origins up."""
    for path, method in PATHS.items():
        for sent in (method, "DELETE", "OPTIONS"):
            answer = await bank.http.request(sent, path, headers={"origin": PAGE}, content=b"")
            assert answer.status_code == (405 if sent != method else STATUS[path])
            assert answer.headers["access-control-allow-origin"] == PAGE
            assert answer.headers["access-control-expose-headers"] == "retry-after"
            assert "access-control-allow-credentials" not in answer.headers
            assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", FOREIGN)
async def test_another_page_gets_and_does_nothing(bank: RunningService, origin: str):
    """403, the same to a preflight, and without a word that a browser would let it read."""
    for path, method in PATHS.items():
        for sent in (method, "OPTIONS"):
            headers = {"origin": origin, "access-control-request-method": method}
            answer = await bank.http.request(sent, path, headers=headers)
            assert answer.status_code == 403
            assert answer.json() == {
                "error": "origin_not_allowed",
                "error_description": "Web pages of this origin may not act as phones.",
            }
            assert not [name for name in answer.headers if name.startswith(CORS)]
            assert answer.headers["vary"] == "Origin"
            assert answer.headers["connection"] == "close", "whatever of a body is to come"
    refused = bank.telemetry.named("request_refused")[-1].fields
    assert (refused["origin"], refused["status"]) == (origin, 403)
    # The handshake fails: a page of another origin is not told what is here (RFC 6455 10.2).
    with pytest.raises(InvalidStatus) as failed:
        await connect(_socket(bank), subprotocols=[SUBPROTOCOL], origin=origin)  # type: ignore[arg-type,list-item]
    assert failed.value.response.status_code == 403
    assert bank.telemetry.named("device_origin_refused")[-1].fields["origin"] == origin
    assert bank.telemetry.named("device_connected") == []


async def test_a_page_does_not_fill_the_log(bank: RunningService):
    """Of what it says it is the beginning is kept."""
    origin = "https://" + "evil" * 1_000
    assert (await bank.http.get("/device/nonce", headers={"origin": origin})).status_code == 403
    (refused,) = bank.telemetry.named("request_refused")
    assert refused.fields["origin"] == origin[:200]


async def test_another_page_cannot_spend_an_activation_code(bank: RunningService):
    """It is refused before the enrolment is read: the code is still good for the phone."""
    phone = bank.phone()
    body = {"enrolment": phone.enrolment(await bank.activation_code("alice"))}
    url, foreign = "/device/enrolments", {"origin": "https://evil.example"}
    assert (await bank.http.post(url, json=body, headers=foreign)).status_code == 403
    assert (await bank.http.post(url, json=body, headers={"origin": PAGE})).status_code == 201


@pytest.mark.clause("fapi2-sp-5.2.3-3")
async def test_pages_may_act_as_phones_and_as_nothing_else(bank: RunningService):
    """The endpoints of clients, and the one for authorization, know no CORS."""
    wanted = {"origin": PAGE, "access-control-request-method": "POST"}
    for path in ("/authorize", "/bc-authorize", "/token", "/userinfo"):
        for sent in ("OPTIONS", "POST", "GET"):
            answer = await bank.http.request(sent, path, headers=wanted)
            assert answer.status_code >= 400
            assert not [name for name in answer.headers if name.startswith(CORS)]


async def test_two_origins_are_none(bank: RunningService):
    """A browser sends one."""
    headers = [("origin", PAGE), ("origin", PAGE)]
    assert (await bank.http.get("/device/nonce", headers=headers)).status_code == 403


async def test_a_native_phone_names_no_origin(bank: RunningService):
    """And gets no header that is for browsers, but for caches."""
    answer = await bank.http.get("/device/nonce")
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith(CORS)]
    assert answer.headers["vary"] == "Origin"
    assert (await bank.http.options("/device/nonce")).headers["allow"] == "GET, HEAD"


async def test_the_socket_of_an_allowed_page_is_greeted(bank: RunningService):
    """As that of a native phone is."""
    async with connect(_socket(bank), subprotocols=[SUBPROTOCOL], origin=PAGE) as socket:  # type: ignore[arg-type,list-item]
        assert '"hello"' in str(await socket.recv())


async def test_where_none_is_configured_no_page_is_let_in(service: RunningService):
    """Not that of the service's own origin either, which serves none."""
    answer = await service.http.get("/device/nonce", headers={"origin": service.issuer})
    assert answer.status_code == 403


def _socket(running: RunningService) -> str:
    return running.issuer.replace("http", "ws", 1) + "/device/ws"
