"""A client gives up a request: prompts vanish, and nothing can be collected any more."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.callback_endpoint import CallbackEndpoint, callback_endpoint, outbound_section
from tests.running_service import RunningService
from tests.service_fixtures import ServiceRunner
from tests.wire_client import WireClient
from tests.wire_phone import WirePhone

CANCEL = "/bc-authorize/cancel"


async def cancel(client: WireClient, auth_req_id: str, **changed: str) -> httpx2.Response:
    """A well-formed cancellation, but for ``changed``."""
    form = {"auth_req_id": auth_req_id, **client.credentials(), **changed}
    return await client.post(CANCEL, form)


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code."""
    return answer.status_code, answer.json()["error"]


async def test_a_pending_request_is_cancelled(service: RunningService, phone: WirePhone):
    """The phone that shows it hears so at once, and the client gets invalid_grant."""
    async with phone.online() as socket:
        auth_req_id = await service.till.started()
        challenge = (await socket.next("challenge"))["challenge"]
        answer = await cancel(service.till, auth_req_id)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["cache-control"] == "no-store"
        withdrawn = await socket.next("withdrawn")
        assert withdrawn["reason"] == "cancelled"
    assert refusal(await service.till.poll(auth_req_id)) == (400, "invalid_grant")
    assert (await phone.decide(phone.approval(challenge)))["reason"] == "not_open"
    assert await phone.fetch() == []


async def test_an_approved_request_is_cancelled(service: RunningService, phone: WirePhone):
    """What the user approved is not collected."""
    auth_req_id = await service.till.started()
    await phone.approve_next()
    assert (await cancel(service.till, auth_req_id)).status_code == 204
    assert refusal(await service.till.poll(auth_req_id)) == (400, "invalid_grant")


async def test_it_may_be_cancelled_again(service: RunningService, phone: WirePhone):
    """However often, the answer is the same, and it is one cancellation."""
    auth_req_id = await service.till.started()
    answers = [await cancel(service.till, auth_req_id) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [204, 204, 204]
    assert len(service.telemetry.named("transaction_cancelled")) == 1
    assert await phone.fetch() == []


@pytest.mark.parametrize("end", ["denied", "redeemed", "expired"])
async def test_what_is_over_cannot_be_cancelled(
    service: RunningService, phone: WirePhone, end: str
):
    """409, and it ends as it did."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    if end == "denied":
        await phone.decide(phone.denial(challenge))
    elif end == "redeemed":
        await phone.decide(phone.approval(challenge))
        assert (await service.till.poll(auth_req_id)).status_code == 200
    else:
        service.clock.advance(180)
    assert refusal(await cancel(service.till, auth_req_id)) == (409, "transaction_over")
    told = {"denied": "access_denied", "redeemed": "invalid_grant", "expired": "expired_token"}
    assert refusal(await service.till.poll(auth_req_id)) == (400, told[end])


@pytest.mark.usefixtures("phone")
@pytest.mark.parametrize("presented", ["A" * 43, "none of ours", "\u00e9" * 43], ids=ascii)
async def test_what_is_unknown_is_invalid_grant(service: RunningService, presented: str):
    """As at the token endpoint."""
    assert refusal(await cancel(service.till, presented)) == (400, "invalid_grant")


@pytest.mark.usefixtures("phone")
async def test_only_its_own_client_cancels_it(service: RunningService):
    """Another client's request looks like none; whoever is nobody hears that first."""
    auth_req_id = await service.till.started()
    other = service.clients["other-till"]
    assert refusal(await cancel(other, auth_req_id)) == (400, "invalid_grant")
    nobody = await cancel(service.till, auth_req_id, client_assertion="forged")
    assert refusal(nobody) == (401, "invalid_client")
    assert refusal(await service.till.poll(auth_req_id)) == (400, "authorization_pending")


async def test_a_request_without_a_name_spends_the_assertion(service: RunningService):
    """invalid_request, and a second time invalid_client."""
    form = service.till.credentials()
    assert refusal(await service.till.post(CANCEL, form)) == (400, "invalid_request")
    assert refusal(await service.till.post(CANCEL, form)) == (401, "invalid_client")


@pytest.mark.usefixtures("phone")
async def test_an_assertion_may_be_for_this_endpoint(service: RunningService):
    """Its URL is an audience like those of the others."""
    auth_req_id = await service.till.started()
    form = {"auth_req_id": auth_req_id, **service.till.credentials(aud=service.issuer + CANCEL)}
    assert (await service.till.post(CANCEL, form)).status_code == 204


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[CallbackEndpoint]:
    """A notification endpoint."""
    async with callback_endpoint(tmp_path) as serving:
        yield serving


async def test_what_is_cancelled_is_not_called_back(
    run_service: ServiceRunner, endpoint: CallbackEndpoint, tmp_path: Path
):
    """Neither a pending request nor one that was approved a moment ago."""
    metadata = {
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": endpoint.url,
    }
    shop = WireClient("shop", metadata=metadata)
    sections = {
        "outbound": outbound_section(tmp_path),
        "delivery": {"callback_delay_ms": 1000},
    }
    async with run_service(clients=[shop], sections=sections) as bank:
        phone = await bank.enrolled_phone("alice")
        pending = await shop.started(client_notification_token="t")
        assert (await cancel(shop, pending)).status_code == 204
        approved = await shop.started(client_notification_token="t")
        await phone.approve_next()
        assert (await cancel(shop, approved)).status_code == 204
        last = await shop.started(client_notification_token="t")
        await phone.approve_next()
        bank.clock.advance(1)
        assert (await endpoint.next()).json == {"auth_req_id": last}
        await bank.telemetry.seen("callback_delivered")
    assert len(endpoint.received) == 1
