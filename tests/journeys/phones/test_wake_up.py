"""A phone without a socket is woken, fetches over HTTPS and decides (RFC 8030, 8291, 8292)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ciba_service.sca.phones.devices import user_tag
from ciba_service.sca.phones.wake_up import PushAddress, push_topic
from ciba_service.stores.keys import wake_ups_key
from tests.services.idle_worker import make_idle
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.callback_endpoint import (
    ADDRESS,
    CallbackEndpoint,
    answer,
    callback_endpoint,
    outbound_section,
)
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.push_subscription import PushSubscription, vapid_claims_of

CREATED = answer("201 Created")
CONTACT = "mailto:security@bank.example"
GRACE = 1.0


@pytest.fixture
async def push_service(tmp_path: Path) -> AsyncIterator[CallbackEndpoint]:
    """The push service of the phones' platform."""
    async with callback_endpoint(tmp_path) as serving:
        serving.answers = [CREATED]
        yield serving


@pytest.fixture
async def bank(
    run_service: ServiceRunner, till: WireClient, tmp_path: Path
) -> AsyncIterator[RunningService]:
    """A service that pushes."""
    sections: dict[str, dict[str, Any]] = {
        "outbound": outbound_section(tmp_path),
        "wake_up": {"web_push": True, "contact": CONTACT, "push_hosts": [ADDRESS]},
    }
    async with run_service(clients=[till], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


@pytest.fixture
async def subscription(alice: WirePhone, push_service: CallbackEndpoint) -> PushSubscription:
    """Where Alice's phone is woken."""
    return await subscribed(alice, push_service)


async def said(phone: WirePhone, message: dict[str, Any]) -> dict[str, Any]:
    """The one answer to a message over HTTPS."""
    answered = await phone.send(message)
    assert answered.status_code == 200, answered.text
    (reply,) = answered.json()["messages"]
    return dict(reply)


async def subscribed(phone: WirePhone, push_service: CallbackEndpoint) -> PushSubscription:
    """Register a new subscription."""
    made = PushSubscription()
    assert await said(phone, made.message(push_service.url)) == {"type": "wake_up_set"}
    return made


async def announced(bank: RunningService, number: int = 1) -> str:
    """The transaction whose announcement was planned to be followed by a push."""
    started = await bank.telemetry.seen("transaction_started", number)
    name = str(started.fields["transaction_id"])
    await bank.telemetry.seen("wake_up_planned", number)
    return name


async def test_a_sleeping_phone_is_woken_fetches_and_approves(
    bank: RunningService,
    alice: WirePhone,
    subscription: PushSubscription,
    push_service: CallbackEndpoint,
):
    """The push says "look" to the phone alone; the rest it fetches and signs over HTTPS."""
    offered = await said(alice, {"type": "ask_wake_up"})
    assert offered["set"] is True
    auth_req_id = await bank.till.started()
    transaction_id = await announced(bank)
    bank.clock.advance(GRACE)
    push = await push_service.next()
    assert push.line == "POST /ciba-notification HTTP/1.1"
    assert push.headers["content-encoding"] == "aes128gcm"
    assert push.headers["urgency"] == "high"
    assert push.headers["ttl"] == "179"
    assert push.headers["topic"] == push_topic(alice.device_id, transaction_id)
    assert len(push.headers["topic"]) == 32
    claims = vapid_claims_of(push, offered["web_push_key"])
    assert claims["aud"] == push_service.url.removesuffix("/ciba-notification")
    assert claims["sub"] == CONTACT
    assert bank.clock.now() < claims["exp"] <= bank.clock.now() + 86_400
    assert subscription.open(push.body) == b"look"
    await alice.approve_next()
    assert (await bank.till.poll(auth_req_id)).status_code == 200


async def test_a_phone_that_has_the_challenge_sleeps_on(
    bank: RunningService,
    alice: WirePhone,
    subscription: PushSubscription,
    push_service: CallbackEndpoint,
):
    """What it said of a socket in any process counts; only another phone is woken."""
    other = await bank.enrolled_phone("alice", "Tablet")
    tablet = await subscribed(other, push_service)
    async with alice.online() as socket:
        await bank.till.started()
        await socket.next("challenge")
        transaction_id = await announced(bank)
        await socket.send({"type": "received", "transaction_id": transaction_id})
        await socket.send({"type": "ask_wake_up"})
        assert (await socket.next("wake_up_offered"))["set"] is True
        bank.clock.advance(GRACE)
        push = await push_service.next()
    assert tablet.open(push.body) == b"look"
    attempts = bank.telemetry.named("wake_up_attempted")
    assert [attempt.fields["device_id"] for attempt in attempts] == [other.device_id]
    assert subscription.key is not tablet.key


async def test_a_phone_is_woken_though_the_process_died_that_was_asked(
    bank: RunningService, subscription: PushSubscription, monkeypatch: pytest.MonkeyPatch
):
    """Whoever finds the work of another tells the phones, and plans to wake those that sleep."""
    del subscription  # there is one
    make_idle(bank.service.worker, monkeypatch)
    await bank.till.started()
    bank.clock.advance(1)
    await bank.telemetry.seen("wake_up_planned")


async def test_a_phone_that_nobody_can_wake_is_waited_for(
    bank: RunningService, alice: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """It has named no address: nothing is planned, and it finds its prompt when it looks."""
    looked, store = asyncio.Event(), bank.service.stores.wake_ups
    phones = type(store).phones

    async def noted(self: object, tag: str) -> object:
        found = await phones(self, tag)  # type: ignore[arg-type]
        looked.set()
        return found

    monkeypatch.setattr(type(store), "phones", noted)
    auth_req_id = await bank.till.started()
    await asyncio.wait_for(looked.wait(), 10)
    await alice.approve_next()
    assert bank.telemetry.named("wake_up_planned") == []
    assert (await bank.till.poll(auth_req_id)).status_code == 200


async def test_a_decided_prompt_wakes_nobody(
    bank: RunningService,
    alice: WirePhone,
    subscription: PushSubscription,
    push_service: CallbackEndpoint,
):
    """A phone that was quicker than the grace is left alone, and so is every other."""
    await bank.till.started()
    await announced(bank)
    await alice.approve_next()
    bank.clock.advance(GRACE)
    await bank.till.started()
    await announced(bank, 2)
    bank.clock.advance(GRACE)
    await push_service.next()
    assert len(push_service.received) == 1
    assert subscription.open(push_service.received[0].body) == b"look"


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone"])
async def test_a_subscription_that_is_gone_is_forgotten(
    bank: RunningService,
    alice: WirePhone,
    subscription: PushSubscription,
    push_service: CallbackEndpoint,
    status: str,
):
    """The push service knows it no more (RFC 8030 7.3), and is not asked again."""
    push_service.answers = [answer(status)]
    await bank.till.started()
    await announced(bank)
    bank.clock.advance(GRACE)
    assert subscription.open((await push_service.next()).body) == b"look"
    await bank.telemetry.seen("wake_up_done")
    assert (await said(alice, {"type": "ask_wake_up"}))["set"] is False


async def test_a_push_service_that_is_busy_is_asked_again(
    bank: RunningService,
    alice: WirePhone,
    subscription: PushSubscription,
    push_service: CallbackEndpoint,
):
    """5xx and 429 pass: it is tried again as long as the prompt is open, and woken once."""
    push_service.answers = [
        answer("503 Service Unavailable"),
        answer("429 Too Many Requests", "Retry-After: 7"),
        CREATED,
    ]
    await bank.till.started()
    await announced(bank)
    bank.clock.advance(GRACE)
    await push_service.next()
    await bank.telemetry.seen("wake_up_done")
    bank.clock.advance(5)
    await push_service.next()
    await bank.telemetry.seen("wake_up_done", 2)
    bank.clock.advance(13)
    assert subscription.open((await push_service.next()).body) == b"look"
    await bank.telemetry.seen("wake_up_done", 3)
    bank.clock.advance(60)
    assert len(push_service.received) == 3
    assert len(await alice.fetch()) == 1


async def test_a_dead_push_service_holds_nothing_up(
    bank: RunningService,
    alice: WirePhone,
    subscription: PushSubscription,
    push_service: CallbackEndpoint,
):
    """While it does not answer, connected phones are told and requests are decided."""
    push_service.may_answer.clear()
    await bank.till.started()
    await announced(bank)
    bank.clock.advance(GRACE)
    await push_service.next()
    async with alice.online() as socket:
        assert len(socket.first) == 1
        auth_req_id = await bank.till.started()
        offer = await socket.next("challenge")
        await socket.decide(alice.approval(offer["challenge"]))
        assert (await bank.till.poll(auth_req_id)).status_code == 200
    push_service.may_answer.set()
    assert subscription.auth


async def test_a_revoked_phone_leaves_no_address_behind(
    bank: RunningService, alice: WirePhone, subscription: PushSubscription
):
    """The script that revokes it forgets where it was woken."""
    key = wake_ups_key(user_tag("alice"))
    assert await bank.commands.call("HLEN", key) == 1
    assert subscription.auth not in await bank.commands.call("HGET", key, alice.device_id)
    await said(alice, {"type": "give_up"})
    assert await bank.commands.call("EXISTS", key) == 0
    answered = await alice.send(subscription.message("https://127.0.0.1/push"))
    assert answered.status_code == 403


async def test_a_phone_names_one_address_by_socket_or_https(
    bank: RunningService, alice: WirePhone, push_service: CallbackEndpoint
):
    """It may replace it and take it back; what is not offered, or unfit, changes nothing."""
    first, second = PushSubscription(), PushSubscription()
    async with alice.online() as socket:
        await socket.send({"type": "ask_wake_up"})
        offered = await socket.next("wake_up_offered")
        assert (offered["set"], len(offered["web_push_key"])) == (False, 87)
        await socket.send(first.message(push_service.url))
        await socket.next("wake_up_set")
        await socket.send(second.message("https://elsewhere.example/push"))
        assert (await socket.next("wake_up_refused"))["reason"] == "endpoint"
        await socket.send(second.message(push_service.url, p256dh="A" * 87))
        assert (await socket.next("wake_up_refused"))["reason"] == "key"
    assert await said(alice, second.message(push_service.url)) == {"type": "wake_up_set"}
    await bank.till.started()
    await announced(bank)
    bank.clock.advance(GRACE)
    assert second.open((await push_service.next()).body) == b"look"
    for _ in range(2):
        assert await said(alice, {"type": "drop_wake_up"}) == {"type": "wake_up_dropped"}
    assert (await said(alice, {"type": "ask_wake_up"}))["set"] is False


@pytest.mark.parametrize("message", ["ask_wake_up", "set_wake_up", "drop_wake_up"])
async def test_a_revoked_phone_is_told_nothing_of_it(
    bank: RunningService, alice: WirePhone, push_service: CallbackEndpoint, message: str
):
    """Its socket ends, also when the word that it was revoked got lost."""
    members = PushSubscription().message(push_service.url)
    async with alice.online() as socket:
        await bank.service.stores.devices.revoke(alice.device_id, now=bank.clock.now_ms())
        await socket.send(members if message == "set_wake_up" else {"type": message})
        await socket.raw.wait_closed()
    assert socket.raw.close_code == 4403


async def test_without_web_push_no_address_is_taken(service: RunningService, phone: WirePhone):
    """The phone learns that it cannot be woken in this way."""
    assert await said(phone, {"type": "ask_wake_up"}) == {"type": "wake_up_offered", "set": False}
    refused = await said(phone, PushSubscription().message("https://push.example/1"))
    assert refused == {"type": "wake_up_refused", "reason": "not_offered"}
    await service.till.started()


@pytest.fixture
async def hooked(
    run_service: ServiceRunner, till: WireClient, tmp_path: Path, push_service: CallbackEndpoint
) -> AsyncIterator[RunningService]:
    """A service that leaves it to the operator's own service to wake phones."""
    sections: dict[str, dict[str, Any]] = {
        "outbound": outbound_section(tmp_path),
        "wake_up": {"webhook_url": push_service.url, "webhook_token": "t0ken-of-the-operator"},
    }
    async with run_service(clients=[till], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


async def test_an_operator_wakes_phones_by_a_webhook(
    hooked: RunningService, push_service: CallbackEndpoint
):
    """It is told which phone, for which request and until when, under its token."""
    phone = await hooked.enrolled_phone("alice")
    await hooked.till.started(binding_message="SECRET")
    transaction_id = await announced(hooked)
    until = hooked.clock.now_ms() // 1000 + 180
    hooked.clock.advance(GRACE)
    call = await push_service.next()
    assert call.headers["authorization"] == "Bearer t0ken-of-the-operator"
    assert call.headers["content-type"] == "application/json"
    assert call.json == {
        "device_id": phone.device_id,
        "transaction_id": transaction_id,
        "expires_at": until,
    }
    await phone.approve_next()


async def test_a_webhook_that_says_404_wakes_again_next_time(
    hooked: RunningService, push_service: CallbackEndpoint
):
    """It speaks of no address: one that the phone named while there was Web Push is kept."""
    phone = await hooked.enrolled_phone("alice")
    addresses = hooked.service.stores.wake_ups
    await addresses.put(phone.device_id, PushAddress("https://push.example/1", "p", "a"))
    push_service.answers = [answer("404 Not Found")]
    for number in (1, 2):
        await hooked.till.started()
        await announced(hooked, number)
        hooked.clock.advance(GRACE)
        await push_service.next()
        await hooked.telemetry.seen("wake_up_done", number)
    assert len(push_service.received) == 2
    assert await addresses.has(phone.device_id)
