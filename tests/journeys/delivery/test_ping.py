"""Ping: the client is told that its request was decided, and asks for its tokens (CIBA 10.2)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ciba_service.stores.keys import due_key, partition_of, transaction_key
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.unit.channels.outbound.far_ends import far_end
from tests.wire.callback_endpoint import (
    ADDRESS,
    CallbackEndpoint,
    answer,
    callback_endpoint,
    outbound_section,
)
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone

TOKEN = "n" * 1000 + "-._~+/=="


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[CallbackEndpoint]:
    """The shop's notification endpoint."""
    async with callback_endpoint(tmp_path) as serving:
        yield serving


@pytest.fixture
def shop(endpoint: CallbackEndpoint) -> WireClient:
    """A client that is pinged."""
    metadata = {
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": endpoint.url,
    }
    return WireClient("shop", metadata=metadata)


@pytest.fixture
async def bank(
    run_service: ServiceRunner, shop: WireClient, tmp_path: Path
) -> AsyncIterator[RunningService]:
    """A service that pings at once."""
    sections = {
        "outbound": outbound_section(tmp_path),
        "delivery": {"callback_delay_ms": 0},
    }
    async with run_service(clients=[shop], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


async def started(shop: WireClient) -> str:
    """A request that is to be answered by ping."""
    return await shop.started(client_notification_token=TOKEN)


async def settled(bank: RunningService, name: str) -> str:
    """Why a callback ended, once it did."""
    return str((await bank.telemetry.seen(name)).fields["reason"])


@pytest.mark.clause(
    "ciba-10.2-1", "ciba-10.2-3", "ciba-9-2", "fapi-ciba-5.2.2-5", "fapi-ciba-7.8-1", "ciba-10-1"
)
async def test_a_client_is_pinged_and_collects(
    bank: RunningService, shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """One POST with its token and nothing but the auth_req_id; then tokens, without waiting."""
    auth_req_id = await started(shop)
    assert (await shop.poll(auth_req_id)).json()["error"] == "authorization_pending"
    await alice.approve_next()
    ping = await endpoint.next()
    assert ping.line == "POST /ciba-notification HTTP/1.1"
    assert ping.headers["authorization"] == f"Bearer {TOKEN}"
    assert ping.headers["content-type"] == "application/json"
    assert ping.json == {"auth_req_id": auth_req_id}
    assert (await shop.poll(auth_req_id)).status_code == 200
    await settled(bank, "callback_delivered")
    assert len(endpoint.received) == 1


@pytest.mark.clause("ciba-10.2-1")
async def test_a_denial_is_pinged_as_well(
    bank: RunningService, shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """The ping is the same; what was decided the token endpoint tells."""
    auth_req_id = await started(shop)
    (challenge,) = await alice.fetch()
    await alice.decide(alice.denial(challenge))
    assert (await endpoint.next()).json == {"auth_req_id": auth_req_id}
    assert (await shop.poll(auth_req_id)).json()["error"] == "access_denied"
    await settled(bank, "callback_delivered")


async def test_a_failure_is_pinged_as_well(
    bank: RunningService, shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """Five wrong PINs end the request, and the client learns of it."""
    auth_req_id = await started(shop)
    (challenge,) = await alice.fetch()
    for _ in range(5):
        await alice.decide(alice.approval(challenge, pin=False))
    assert (await endpoint.next()).json == {"auth_req_id": auth_req_id}
    await settled(bank, "callback_delivered")


@pytest.mark.clause("ciba-10.2-2")
async def test_expiry_is_not_pinged(
    bank: RunningService, shop: WireClient, endpoint: CallbackEndpoint, alice: WirePhone
):
    """The client knows the time itself; what it would have been told is forgotten."""
    await shop.started(client_notification_token=TOKEN, requested_expiry=10)
    transaction = bank.telemetry.named("transaction_started")[-1].fields["transaction_id"]
    bank.clock.advance(10)
    await bank.telemetry.seen("transaction_expired")
    key = transaction_key(str(transaction))
    assert await bank.commands.call("HEXISTS", key, "n") == 0
    assert endpoint.received == []
    assert await alice.fetch() == []


@pytest.mark.clause("ciba-10.1-10")
async def test_a_ping_client_polls_like_any_other(shop: WireClient, alice: WirePhone):
    """The interval holds for it as well; after a decision there is none."""
    auth_req_id = await started(shop)
    answers = [(await shop.poll(auth_req_id)).json()["error"] for _ in range(2)]
    assert answers == ["authorization_pending", "slow_down"]
    await alice.approve_next()
    assert (await shop.poll(auth_req_id)).status_code == 200


@pytest.mark.clause("ciba-10.2-4")
@pytest.mark.parametrize(
    "said",
    [
        answer("200 OK"),
        answer("200 OK", body=b"thanks a lot"),
        answer("204 No Content", body=b"no content, but"),
        answer("202 Accepted", "Content-Type: text/html", body=b"<p>"),
    ],
    ids=["200", "200 with body", "204 with body", "202"],
)
async def test_whatever_a_client_says_with_success_is_success(
    bank: RunningService,
    shop: WireClient,
    alice: WirePhone,
    endpoint: CallbackEndpoint,
    said: bytes,
):
    """Bodies are ignored, and nothing is sent again."""
    endpoint.answers = [said]
    auth_req_id = await started(shop)
    await alice.approve_next()
    await settled(bank, "callback_delivered")
    assert len(endpoint.received) == 1
    assert (await shop.poll(auth_req_id)).status_code == 200


@pytest.mark.clause("ciba-10.2-5", "ciba-10.2-6")
@pytest.mark.parametrize(
    "said",
    [
        answer("301 Moved Permanently", "Location: /invalid-ciba-notification-endpoint"),
        answer("302 Found", "Location: https://127.0.0.1/"),
        answer("307 Temporary Redirect", "Location: /elsewhere"),
        answer("400 Bad Request"),
        answer("401 Unauthorized", body=b"no"),
        answer("403 Forbidden", body=b"no"),
        answer("404 Not Found"),
    ],
    ids=["301", "302", "307", "400", "401", "403", "404"],
)
async def test_a_word_of_the_client_ends_it(
    bank: RunningService,
    shop: WireClient,
    alice: WirePhone,
    endpoint: CallbackEndpoint,
    said: bytes,
):
    """Redirects are not followed and 4xx is not asked twice; the tokens are there all the same."""
    endpoint.answers = [said]
    auth_req_id = await started(shop)
    await alice.approve_next()
    assert await settled(bank, "callback_abandoned") == "refused"
    bank.clock.advance(60)
    assert len(endpoint.received) == 1
    assert (await shop.poll(auth_req_id)).status_code == 200


@pytest.mark.parametrize(
    ("said", "longest"),
    [
        (answer("500 Oops"), (5_000, 10_000)),
        (answer("503 Busy"), (5_000, 10_000)),
        (None, (5_000, 10_000)),
        (answer("429 Slow", "Retry-After: 7"), (12_000, 12_000)),
    ],
    ids=["500", "503", "reset", "429"],
)
async def test_what_may_pass_is_tried_again_to_the_letter(
    bank: RunningService,
    shop: WireClient,
    alice: WirePhone,
    endpoint: CallbackEndpoint,
    said: bytes | None,
    longest: tuple[int, ...],
):
    """The same request byte for byte, not before its time, until the client has it."""
    endpoint.answers = [said, said, answer("204 No Content")]
    await started(shop)
    await alice.approve_next()
    for number, at_most in enumerate(longest, start=1):
        due = (await bank.telemetry.seen("callback_due", number)).fields
        pause = int(str(due["again_at"])) - bank.clock.now_ms()
        assert 0 <= pause <= at_most
        assert pause >= 7_000 or said is None or b"429" not in said
        partition = partition_of(str(due["transaction_id"]))
        bank.clock.advance(max(pause - 1, 0) / 1000)
        await bank.service.worker.work_off(partition)
        assert len(endpoint.received) == number
        bank.clock.advance(0.001)
        await bank.service.worker.work_off(partition)
        await bank.telemetry.seen("callback_attempted", number + 1)
    await settled(bank, "callback_delivered")
    assert len(endpoint.received) == 3
    assert len({(each.line, str(each.headers), each.body) for each in endpoint.received}) == 1


async def test_whoever_collects_after_a_failed_ping_is_not_pinged_again(
    bank: RunningService, shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """The client polled its tokens: there is nothing more to tell it, and nothing is kept."""
    endpoint.answers = [answer("500 Oops")]
    auth_req_id = await started(shop)
    await alice.approve_next()
    due = (await bank.telemetry.seen("callback_due")).fields
    assert (await shop.poll(auth_req_id)).status_code == 200
    transaction = str(due["transaction_id"])
    assert await bank.commands.call("HEXISTS", transaction_key(transaction), "n") == 0
    works = await bank.commands.call("ZRANGE", due_key(partition_of(transaction)), 0, -1)
    assert [work for work in works if work.startswith(b"callback")] == []
    assert len(endpoint.received) == 1


async def test_nothing_of_a_callback_is_left(
    bank: RunningService, shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """Once delivered, its secrets are gone from the record and its work from the partition."""
    await started(shop)
    transaction = str(bank.telemetry.named("transaction_started")[-1].fields["transaction_id"])
    key = transaction_key(transaction)
    sealed = await bank.commands.call("HGET", key, "n")
    assert TOKEN.encode() not in sealed
    await alice.approve_next()
    await endpoint.next()
    await settled(bank, "callback_delivered")
    assert await bank.commands.call("HMGET", key, "n", "y", "z") == [None, b"delivered", b"1"]
    due = await bank.commands.call("ZRANGE", due_key(partition_of(transaction)), 0, -1)
    assert [member for member in due if member.startswith(b"callback")] == []
    assert TOKEN not in repr(bank.telemetry.events)


@pytest.mark.usefixtures("bank")
async def test_a_client_without_a_token_for_it_is_refused(shop: WireClient):
    """A ping needs the bearer token that comes with it (CIBA 7.1)."""
    refused = await shop.start()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_the_mode_is_published(bank: RunningService):
    """backchannel_token_delivery_modes_supported has all three where clients of CIBA Core are."""
    document = (await bank.http.get("/.well-known/openid-configuration")).json()
    assert document["backchannel_token_delivery_modes_supported"] == ["poll", "ping", "push"]
    assert CIBA in document["grant_types_supported"]


@pytest.mark.clause("fapi-ciba-5.2.2-3")
async def test_push_is_not_published_where_only_fapi_clients_are(run_service: ServiceRunner):
    """FAPI-CIBA has poll and ping."""
    speaker = WireClient(
        "speaker", metadata={"profile": "fapi2-ciba", "dpop_bound_access_tokens": True}
    )
    async with run_service(clients=[speaker]) as bank:
        document = (await bank.http.get("/.well-known/openid-configuration")).json()
        assert document["backchannel_token_delivery_modes_supported"] == ["poll", "ping"]


async def test_expiry_is_pinged_where_the_operator_wants_it(
    run_service: ServiceRunner, shop: WireClient, endpoint: CallbackEndpoint, tmp_path: Path
):
    """The client learns of it at once; the token endpoint tells it what happened."""
    sections = {
        "outbound": outbound_section(tmp_path),
        "delivery": {"callback_delay_ms": 0, "ping_on_expiry": True},
    }
    async with run_service(clients=[shop], sections=sections) as bank:
        await bank.enrolled_phone("alice")
        auth_req_id = await shop.started(client_notification_token=TOKEN, requested_expiry=10)
        bank.clock.advance(10)
        assert (await endpoint.next()).json == {"auth_req_id": auth_req_id}
        assert (await shop.poll(auth_req_id)).json()["error"] == "expired_token"
        await settled(bank, "callback_delivered")


async def test_in_development_this_machine_may_be_pinged_without_tls(run_service: ServiceRunner):
    """Where the operator says so; the client is configured, never registered, that way."""
    endpoint = CallbackEndpoint()
    async with far_end(endpoint, None) as server:
        metadata = {
            "backchannel_token_delivery_mode": "ping",
            "backchannel_client_notification_endpoint": server.url(
                "/", host=ADDRESS, scheme="http"
            ),
        }
        shop = WireClient("shop", metadata=metadata)
        sections = {"outbound": {"allow_loopback_http": True}, "delivery": {"callback_delay_ms": 0}}
        async with run_service(clients=[shop], sections=sections) as bank:
            phone = await bank.enrolled_phone("alice")
            auth_req_id = await started(shop)
            await phone.approve_next()
            assert (await endpoint.next()).json == {"auth_req_id": auth_req_id}
            await settled(bank, "callback_delivered")


async def test_what_is_cancelled_is_not_called_back(
    run_service: ServiceRunner, shop: WireClient, endpoint: CallbackEndpoint, tmp_path: Path
):
    """Neither a pending request nor one that was approved a moment ago."""
    sections = {
        "outbound": outbound_section(tmp_path),
        "delivery": {"callback_delay_ms": 1000},
    }
    async with run_service(clients=[shop], sections=sections) as bank:
        phone = await bank.enrolled_phone("alice")
        assert (await shop.cancel(await started(shop))).status_code == 204
        approved = await started(shop)
        await phone.approve_next()
        assert (await shop.cancel(approved)).status_code == 204
        last = await started(shop)
        await phone.approve_next()
        bank.clock.advance(1)
        assert (await endpoint.next()).json == {"auth_req_id": last}
        await settled(bank, "callback_delivered")
    assert len(endpoint.received) == 1
