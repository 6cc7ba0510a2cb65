"""The ledger: a client asks what happened to its request, and when."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ciba_service.sca.messages import transaction_id
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.callback_endpoint import (
    CallbackEndpoint,
    answer,
    callback_endpoint,
    outbound_section,
)
from tests.wire.client import WireClient
from tests.wire.events import PATH, STREAM, events_answer, ledger_of, story
from tests.wire.phone import WirePhone
from tests.wire.resource import refusal
from tests.wire.tokens import resource_server

UNKNOWN = (400, "invalid_grant")


def instant(at: int) -> str:
    """Milliseconds since the epoch, in words."""
    return (
        datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at % 1000:03}Z"
    )


async def announced(service: RunningService, auth_req_id: str) -> None:
    """Wait until the phones were told."""
    while len(await story(service.till, auth_req_id)) < 2:
        pass


async def test_an_approval_tells_its_story(service: RunningService, phone: WirePhone):
    """Requested, announced, approved, redeemed, each with its time to the millisecond."""
    till, clock = service.till, service.clock
    times = [clock.now_ms()]
    auth_req_id = await till.started()
    await announced(service, auth_req_id)
    clock.advance(1.234)
    times.append(clock.now_ms())
    await phone.approve_next()
    assert (await ledger_of(till, auth_req_id))["complete"] is False
    clock.advance(0.001)
    times.append(clock.now_ms())
    assert (await till.poll(auth_req_id)).status_code == 200
    told = await events_answer(till, auth_req_id)
    assert told.headers["content-type"] == "application/json"
    assert told.headers["cache-control"] == "no-store"
    assert told.json() == {
        "transaction_id": transaction_id(auth_req_id),
        "state": "redeemed",
        "complete": True,
        "events": [
            {"id": 1, "event": "requested", "at": instant(times[0])},
            {"id": 2, "event": "announced", "at": instant(times[0])},
            {"id": 3, "event": "approved", "at": instant(times[1])},
            {"id": 4, "event": "redeemed", "at": instant(times[2])},
        ],
    }


async def test_a_denial_says_no_more_than_that(service: RunningService, phone: WirePhone):
    """Why the user denied is told to nobody outside; the operator knows."""
    auth_req_id = await service.till.started()
    await announced(service, auth_req_id)
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge, reason="not_me"))
    told = await ledger_of(service.till, auth_req_id)
    assert (told["state"], told["complete"]) == ("denied", True)
    assert [event["event"] for event in told["events"]] == ["requested", "announced", "denied"]
    assert told["events"][-1].keys() == {"id", "event", "at"}
    ledger = await service.service.stores.ledgers.read(
        transaction_id(auth_req_id), now=service.clock.now_ms()
    )
    assert ledger is not None
    assert ledger.entries[-1].reason == "not_me"


async def test_a_locked_phone_is_a_failure_without_a_reason(
    service: RunningService, phone: WirePhone
):
    """Neither the lock nor any wrong attempt is told."""
    auth_req_id = await service.till.started()
    await announced(service, auth_req_id)
    (challenge,) = await phone.fetch()
    while (await phone.decide(phone.approval(challenge, pin=False)))["attempts_left"]:
        pass
    told = await ledger_of(service.till, auth_req_id)
    assert [event["event"] for event in told["events"]] == ["requested", "announced", "failed"]
    assert "lock" not in str(told)
    assert "attempt" not in str(told)


async def test_a_cancellation_ends_the_story(service: RunningService, phone: WirePhone):
    """Pending or approved."""
    till = service.till
    pending = await till.started()
    await announced(service, pending)
    assert (await till.cancel(pending)).status_code == 204
    assert await story(till, pending) == ["requested", "announced", "cancelled"]
    approved = await till.started()
    await announced(service, approved)
    await phone.approve_next()
    assert (await till.cancel(approved)).status_code == 204
    assert await story(till, approved) == ["requested", "announced", "approved", "cancelled"]


@pytest.mark.usefixtures("phone")
async def test_expiry_happened_at_its_deadline(service: RunningService):
    """Whenever somebody looks."""
    auth_req_id = await service.till.started(requested_expiry=10)
    await announced(service, auth_req_id)
    deadline = service.clock.now_ms() + 10_000
    service.clock.advance(17)
    told = await ledger_of(service.till, auth_req_id)
    assert (told["state"], told["complete"]) == ("expired", True)
    assert told["events"][-1] == {"id": 3, "event": "expired", "at": instant(deadline)}
    await service.telemetry.seen("transaction_expired")
    assert await ledger_of(service.till, auth_req_id) == told


async def test_an_approval_that_nobody_collects_expires(service: RunningService, phone: WirePhone):
    """At the end of its grace, after which there are no tokens."""
    auth_req_id = await service.till.started(requested_expiry=10)
    await announced(service, auth_req_id)
    service.clock.advance(5)
    await phone.approve_next()
    service.clock.advance(59.999)
    assert (await ledger_of(service.till, auth_req_id))["state"] == "approved"
    service.clock.advance(0.001)
    told = await ledger_of(service.till, auth_req_id)
    assert told["events"][-1] == {
        "id": 4,
        "event": "expired",
        "at": instant(service.clock.now_ms()),
    }


@pytest.mark.usefixtures("phone")
async def test_another_client_s_story_is_unknown(service: RunningService, other_till: WireClient):
    """As is one that never was."""
    auth_req_id = await service.till.started()
    assert refusal(await events_answer(other_till, auth_req_id)) == UNKNOWN
    assert refusal(await events_answer(service.till, "A" * 43)) == UNKNOWN
    assert refusal(await events_answer(service.till, "none of ours")) == UNKNOWN


@pytest.mark.usefixtures("phone")
@pytest.mark.parametrize("accept", ["*/*", STREAM], ids=["json", "stream"])
async def test_who_asks_comes_first(service: RunningService, accept: str):
    """An assertion is good once, whatever else is wrong; and refusals are JSON in either form."""
    till, credentials, headers = service.till, service.till.credentials(), {"accept": accept}

    async def asked(**form: str) -> tuple[int, str]:
        answer = await till.post(PATH, form, headers=headers)
        assert answer.headers["content-type"] == "application/json"
        return refusal(answer)

    assert await asked(auth_req_id="A" * 43) == (401, "invalid_client")
    assert await asked(**credentials) == (400, "invalid_request")
    assert await asked(**credentials) == (401, "invalid_client")
    auth_req_id, used = await till.started(), till.credentials()
    assert (await events_answer(till, auth_req_id, **used)).status_code == 200
    assert await asked(auth_req_id=auth_req_id, **used) == (401, "invalid_client")
    assert await asked(auth_req_id="A" * 43, **till.credentials()) == UNKNOWN


async def test_a_client_without_ciba_has_no_stories(run_service: ServiceRunner):
    """It asks for nothing that could be told."""
    api = resource_server()
    async with run_service(clients=[api]):
        assert refusal(await events_answer(api, "A" * 43)) == (400, "unauthorized_client")


@pytest.mark.usefixtures("phone")
async def test_its_url_is_an_audience(service: RunningService):
    """Assertions may be for the endpoint they are sent to, and no metadata has a name for it."""
    auth_req_id = await service.till.started()
    credentials = service.till.credentials(aud=f"{service.issuer}{PATH}")
    assert (await events_answer(service.till, auth_req_id, **credentials)).status_code == 200
    metadata = (await service.http.get("/.well-known/openid-configuration")).text
    assert "events" not in metadata


async def test_no_answer_tells_what_is_secret(service: RunningService, phone: WirePhone):
    """Neither the auth_req_id nor anything of user, phone or tokens."""
    till = service.till
    auth_req_id = await till.started()
    await phone.approve_next()
    tokens = (await till.poll(auth_req_id)).json()
    told = (await events_answer(till, auth_req_id)).text
    for secret in (auth_req_id, phone.device_id, "alice", "Phone", tokens["access_token"]):
        assert secret not in told


# --- Callbacks ---


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
    return WireClient("till", metadata=metadata)


@pytest.fixture
async def bank(
    run_service: ServiceRunner, shop: WireClient, tmp_path: Path
) -> AsyncIterator[RunningService]:
    """A service that pings at once."""
    sections = {"outbound": outbound_section(tmp_path), "delivery": {"callback_delay_ms": 0}}
    async with run_service(clients=[shop], sections=sections) as running:
        yield running


async def test_pings_are_told_with_what_the_client_answered(
    bank: RunningService, shop: WireClient, endpoint: CallbackEndpoint
):
    """First an error, then silence, then success: each attempt, and when the next one comes."""
    phone = await bank.enrolled_phone("alice")
    endpoint.answers = [answer("503 Busy"), None, answer("204 No Content")]
    auth_req_id = await shop.started(client_notification_token="n" * 43)
    await announced(bank, auth_req_id)
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge))
    for number in (1, 2):
        due = (await bank.telemetry.seen("callback_due", number)).fields
        told = await ledger_of(shop, auth_req_id)
        assert (told["state"], told["complete"]) == ("denied", False)
        assert told["events"][-1]["again_at"] == instant(int(str(due["again_at"])))
        bank.clock.advance((int(str(due["again_at"])) - bank.clock.now_ms()) / 1000)
        bank.service.worker.nudge(str(due["transaction_id"]))
    await bank.telemetry.seen("callback_delivered")
    told = await ledger_of(shop, auth_req_id)
    assert told["complete"] is True
    attempts = [
        {name: value for name, value in event.items() if name not in {"id", "at", "again_at"}}
        for event in told["events"][3:]
    ]
    assert attempts == [
        {"event": "callback_due", "attempt": 1, "status": 503},
        {"event": "callback_due", "attempt": 2},
        {"event": "callback_delivered", "attempt": 3, "status": 204},
    ]


async def test_a_ping_that_is_refused_is_abandoned(
    bank: RunningService, shop: WireClient, endpoint: CallbackEndpoint
):
    """The client finds its own answer in the story."""
    phone = await bank.enrolled_phone("alice")
    endpoint.answers = [answer("403 Forbidden")]
    auth_req_id = await shop.started(client_notification_token="n" * 43)
    await phone.approve_next()
    await bank.telemetry.seen("callback_abandoned")
    told = await ledger_of(shop, auth_req_id)
    last = told["events"][-1]
    assert (last["event"], last["attempt"], last["status"], last["reason"]) == (
        "callback_abandoned", 1, 403, "refused",
    )  # fmt: skip
    assert told["complete"] is False


async def test_a_push_is_told_with_the_tokens_that_were_made_for_it(
    run_service: ServiceRunner, endpoint: CallbackEndpoint, tmp_path: Path
):
    """They are issued, then brought; of an expired request the client is told that and no more."""
    metadata = {
        "backchannel_token_delivery_mode": "push",
        "backchannel_client_notification_endpoint": endpoint.url,
    }
    shop = WireClient("till", metadata=metadata)
    sections = {"outbound": outbound_section(tmp_path), "delivery": {"callback_delay_ms": 0}}
    async with run_service(clients=[shop], sections=sections) as bank:
        phone = await bank.enrolled_phone("alice")
        approved = await shop.started(client_notification_token="n" * 43)
        await announced(bank, approved)
        await phone.approve_next()
        await bank.telemetry.seen("callback_delivered")
        told = await ledger_of(shop, approved)
        assert [event["event"] for event in told["events"]] == [
            "requested", "announced", "approved", "redeemed", "callback_delivered",
        ]  # fmt: skip
        expired = await shop.started(client_notification_token="n" * 43)
        await announced(bank, expired)
        deadline = bank.clock.now_ms() + 180_000
        bank.clock.advance(180)
        await bank.telemetry.seen("callback_delivered", 2)
        last, callback = (await ledger_of(shop, expired))["events"][2:]
        assert (last["event"], last["at"]) == ("expired", instant(deadline))
        assert (callback["event"], callback["status"]) == ("callback_delivered", 204)
        assert (told["complete"], (await ledger_of(shop, expired))["complete"]) == (True, True)
