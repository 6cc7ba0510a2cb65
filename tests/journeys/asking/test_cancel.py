"""A client cancels what it asked for: it is over for the phone, for its tokens, and for good."""

import asyncio

import pytest

from ciba_service.protocol.transaction.state import REDEMPTION_GRACE_MS
from tests.services.idle_worker import make_idle
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.resource import refusal
from tests.wire.tokens import resource_server

GONE = (400, "invalid_grant")
SETTLED = (409, "request_settled")


async def test_a_pending_request_is_cancelled(service: RunningService, phone: WirePhone):
    """The prompt vanishes from the phone, the approval comes too late, and no token is issued."""
    till = service.till
    async with phone.online() as socket:
        auth_req_id = await till.started()
        challenge = (await socket.next("challenge"))["challenge"]
        answer = await till.cancel(auth_req_id)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["cache-control"] == "no-store"
        assert (await socket.next("withdrawn"))["reason"] == "cancelled"
        outcome = await socket.decide(phone.approval(challenge))
        assert (outcome["type"], outcome["reason"]) == ("refused", "not_open")
    assert refusal(await till.poll(auth_req_id)) == GONE
    assert await phone.fetch() == []
    (event,) = service.telemetry.named("transaction_cancelled")
    assert event.fields["client_id"] == "till"


async def test_an_approved_request_is_cancelled(service: RunningService, phone: WirePhone):
    """Until it is redeemed an approval can be taken back."""
    auth_req_id = await service.till.started()
    assert (await phone.approve_next())["type"] == "accepted"
    assert (await service.till.cancel(auth_req_id)).status_code == 204
    assert refusal(await service.till.poll(auth_req_id)) == GONE


async def test_it_may_be_cancelled_twice(service: RunningService, phone: WirePhone):
    """Whoever lost the first answer asks again, even when it would have expired meanwhile."""
    auth_req_id = await service.till.started()
    assert (await service.till.cancel(auth_req_id)).status_code == 204
    service.clock.advance(200)
    assert (await service.till.cancel(auth_req_id)).status_code == 204
    assert len(service.telemetry.named("transaction_cancelled")) == 1
    assert await phone.fetch() == []


async def test_what_was_denied_or_redeemed_is_settled(service: RunningService, phone: WirePhone):
    """It says that nothing is left to cancel, and changes nothing."""
    till = service.till
    denied = await till.started()
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge))
    redeemed = await till.started()
    await phone.approve_next()
    assert (await till.poll(redeemed)).status_code == 200
    for auth_req_id in (denied, redeemed):
        assert refusal(await till.cancel(auth_req_id)) == SETTLED
    assert refusal(await till.poll(denied)) == (400, "access_denied")


async def test_what_expired_is_settled(service: RunningService, phone: WirePhone):
    """Pending or approved: too late is too late, and it stays expired."""
    till = service.till
    pending = await till.started(requested_expiry=10)
    service.clock.advance(10)
    assert refusal(await till.cancel(pending)) == SETTLED
    approved = await till.started(requested_expiry=10)
    await phone.approve_next()
    service.clock.advance(REDEMPTION_GRACE_MS / 1000)
    assert refusal(await till.cancel(approved)) == SETTLED
    assert refusal(await till.poll(approved)) == (400, "expired_token")


async def test_what_failed_is_settled(service: RunningService, phone: WirePhone):
    """The wrong attempt that locks a phone ends the request before its client does."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    while (await phone.decide(phone.approval(challenge, pin=False)))["attempts_left"]:
        pass
    assert refusal(await service.till.cancel(auth_req_id)) == SETTLED


@pytest.mark.usefixtures("phone")
async def test_another_client_s_request_is_unknown(service: RunningService, other_till: WireClient):
    """As is one that never was; the request goes on."""
    auth_req_id = await service.till.started()
    assert refusal(await other_till.cancel(auth_req_id)) == GONE
    assert refusal(await service.till.cancel("A" * 43)) == GONE
    assert refusal(await service.till.cancel("none of ours")) == GONE
    assert refusal(await service.till.poll(auth_req_id)) == (400, "authorization_pending")


@pytest.mark.usefixtures("phone")
async def test_who_asks_comes_first(service: RunningService):
    """An assertion is good once, whatever else is wrong; then the parameters count."""
    till, credentials = service.till, service.till.credentials()
    path = "/bc-authorize/cancel"
    assert refusal(await till.post(path, {"auth_req_id": "A" * 43})) == (401, "invalid_client")
    assert refusal(await till.post(path, credentials)) == (400, "invalid_request")
    assert refusal(await till.post(path, credentials)) == (401, "invalid_client")
    auth_req_id, used = await till.started(), till.credentials()
    await till.poll(auth_req_id, **used)
    assert refusal(await till.cancel(auth_req_id, **used)) == (401, "invalid_client")
    assert refusal(await till.poll(auth_req_id)) != GONE


async def test_a_client_without_ciba_cannot_cancel(run_service: ServiceRunner):
    """It has nothing that it could cancel."""
    api = resource_server()
    async with run_service(clients=[api]):
        assert refusal(await api.cancel("A" * 43)) == (400, "unauthorized_client")


@pytest.mark.usefixtures("phone")
async def test_its_url_is_an_audience(service: RunningService):
    """Assertions may be for the endpoint they are sent to, and no metadata has a name for it."""
    path = f"{service.issuer}/bc-authorize/cancel"
    auth_req_id = await service.till.started()
    answer = await service.till.cancel(auth_req_id, **service.till.credentials(aud=path))
    assert answer.status_code == 204
    metadata = (await service.http.get("/.well-known/openid-configuration")).text
    assert "cancel" not in metadata


async def test_of_cancelling_and_approving_one_wins(service: RunningService, phone: WirePhone):
    """An approval is either first, and then cancelled, or too late; no token comes of it."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    outcome, *answers = await asyncio.gather(
        phone.decide(phone.approval(challenge)), *(service.till.cancel(auth_req_id) for _ in "ab")
    )
    assert [answer.status_code for answer in answers] == [204, 204]
    assert outcome["type"] in {"accepted", "refused"}
    assert refusal(await service.till.poll(auth_req_id)) == GONE
    assert len(service.telemetry.named("transaction_cancelled")) == 1


async def test_of_cancelling_and_redeeming_exactly_one_wins(
    service: RunningService, phone: WirePhone
):
    """Tokens or a cancelled request, never both and never neither."""
    for _ in range(5):
        auth_req_id = await service.till.started()
        await phone.approve_next()
        polled, cancelled = await asyncio.gather(
            service.till.poll(auth_req_id), service.till.cancel(auth_req_id)
        )
        assert (polled.status_code, cancelled.status_code) in {(200, 409), (400, 204)}
        if polled.status_code == 400:
            assert refusal(polled) == GONE


async def test_a_redemption_that_was_cancelled_issues_nothing(
    service: RunningService, phone: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """Between the poll that found the approval and the swap, the cancellation is the faster."""
    auth_req_id = await service.till.started()
    await phone.approve_next()
    transactions = service.service.stores.transactions
    reached, go_on, swap = asyncio.Event(), asyncio.Event(), type(transactions).swap

    async def late_swap(self: object, wanted: object) -> object:
        if getattr(wanted, "event", None) == "redeem":
            reached.set()
            await go_on.wait()
        return await swap(self, wanted)  # type: ignore[arg-type]

    monkeypatch.setattr(type(transactions), "swap", late_swap)
    polling = asyncio.create_task(service.till.poll(auth_req_id))
    await reached.wait()
    assert (await service.till.cancel(auth_req_id)).status_code == 204
    go_on.set()
    assert refusal(await polling) == GONE


async def test_a_cancelled_approval_counts_as_no_failed_attempt(
    service: RunningService, phone: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """The factors were right: what is settled after the cancellation gives the attempts back."""
    make_idle(service.service.worker, monkeypatch)
    for _ in range(6):
        auth_req_id = await service.till.started()
        assert (await phone.approve_next())["type"] == "accepted"
        assert (await service.till.cancel(auth_req_id)).status_code == 204
        for partition in range(256):
            await service.service.worker.work_off(partition)
