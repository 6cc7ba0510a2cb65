"""Push: the tokens themselves are brought to the client, or why there are none (CIBA 10.3, 12)."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

from ciba_service.ports import Redelivery, StoreUnavailable
from ciba_service.protocol.transaction.callbacks import CallbackState
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.clients.configured import ConfiguredUsers
from ciba_service.stores.due.callbacks import RedisCallbacks
from ciba_service.stores.keys import due_key, grant_key, partition_of, transaction_key
from tests.journeys.tokens.test_mtls import OTHER, forwarded
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.callback_endpoint import (
    CallbackEndpoint,
    answer,
    callback_endpoint,
    outbound_section,
)
from tests.wire.client import CIBA, WireClient
from tests.wire.dpop import WireDpop
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

TOKEN = "push-to-me-with-this-token"
AUTH_REQ_ID = "urn:openid:params:jwt:claim:auth_req_id"
RT_HASH = "urn:openid:params:jwt:claim:rt_hash"
OOPS = answer("500 Oops")
DONE = answer("204 No Content")


def left_half(token: str) -> str:
    """The hash of a token that an ID token signed with SHA-256 names (OpenID Connect 3.1.3.6)."""
    digest = hashlib.sha256(token.encode()).digest()
    return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[CallbackEndpoint]:
    """The shop's notification endpoint."""
    async with callback_endpoint(tmp_path) as serving:
        yield serving


def pushing(endpoint: CallbackEndpoint, **metadata: Any) -> WireClient:
    """A client that is pushed to, and registers no grant type for it but what it says."""
    members = {
        "backchannel_token_delivery_mode": "push",
        "backchannel_client_notification_endpoint": endpoint.url,
    }
    return WireClient("shop", metadata={**members, **metadata})


@pytest.fixture
def shop(endpoint: CallbackEndpoint) -> WireClient:
    """A client that is pushed to and gets refresh tokens."""
    return pushing(endpoint, grant_types=[CIBA, "refresh_token"])


@pytest.fixture
async def bank(
    run_service: ServiceRunner, shop: WireClient, tmp_path: Path
) -> AsyncIterator[RunningService]:
    """A service that pushes at once."""
    async with run_service(clients=[shop], sections=sections(tmp_path)) as running:
        yield running
        assert running.telemetry.failures == []


def sections(directory: Path) -> dict[str, Any]:
    """Callbacks without delay, to this machine."""
    return {"outbound": outbound_section(directory), "delivery": {"callback_delay_ms": 0}}


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


async def started(shop: WireClient, **claims: Any) -> str:
    """A request that is to be answered by push."""
    return await shop.started(client_notification_token=TOKEN, **claims)


async def again(bank: RunningService, number: int) -> None:
    """Let the time of the next attempt come, after attempt ``number``."""
    due = (await bank.telemetry.seen("callback_due", number)).fields
    bank.clock.advance((int(str(due["again_at"])) - bank.clock.now_ms()) / 1000)
    await bank.service.worker.work_off(partition_of(str(due["transaction_id"])))
    await bank.telemetry.seen("callback_attempted", number + 1)


async def introspected(bank: RunningService, access_token: str) -> int:
    """What userinfo says to an access token."""
    headers = {"Authorization": f"Bearer {access_token}"}
    return (await bank.http.get("/userinfo", headers=headers)).status_code


@pytest.mark.clause(
    "ciba-10.3-1", "ciba-10.3-2", "ciba-10.3-3", "ciba-10.3-4", "ciba-9-2", "ciba-10-1"
)
async def test_tokens_are_pushed_to_the_client(
    bank: RunningService, shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """One POST with the token response and the auth_req_id; the ID token vouches for all of it."""
    auth_req_id = await started(shop)
    await alice.approve_next()
    push = await endpoint.next()
    assert push.line == "POST /ciba-notification HTTP/1.1"
    assert push.headers["authorization"] == f"Bearer {TOKEN}"
    assert push.headers["content-type"] == "application/json"
    told = push.json
    assert set(told) == {
        "auth_req_id", "access_token", "token_type", "expires_in", "scope", "refresh_token",
        "id_token",
    }  # fmt: skip
    assert told["auth_req_id"] == auth_req_id
    claims = claims_of(told["id_token"])
    assert claims[AUTH_REQ_ID] == auth_req_id
    assert claims[RT_HASH] == left_half(told["refresh_token"])
    assert claims["at_hash"] == left_half(told["access_token"])
    assert await introspected(bank, told["access_token"]) == 200
    form = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    refreshed = await shop.post("/token", {**form, **shop.credentials()})
    assert refreshed.status_code == 200
    assert {AUTH_REQ_ID, RT_HASH} & set(claims_of(refreshed.json()["id_token"])) == set()
    await bank.telemetry.seen("callback_delivered")
    assert len(endpoint.received) == 1


@pytest.mark.clause("ciba-7.3-6")
async def test_who_is_pushed_to_is_told_no_interval(bank: RunningService, shop: WireClient):
    """There is nothing to poll for."""
    await bank.enrolled_phone("alice")
    acknowledged = (await shop.start(client_notification_token=TOKEN)).json()
    assert set(acknowledged) == {"auth_req_id", "expires_in"}


@pytest.mark.clause("ciba-11-7")
async def test_who_is_pushed_to_cannot_poll(
    shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """Neither before the decision nor after it, and it changes nothing."""
    auth_req_id = await started(shop)
    for _ in range(2):
        refused = await shop.poll(auth_req_id)
        assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")
    await alice.approve_next()
    assert "access_token" in (await endpoint.next()).json
    assert (await shop.poll(auth_req_id)).json()["error"] == "unauthorized_client"


@pytest.mark.clause("ciba-10.3-4")
async def test_an_id_token_names_no_refresh_token_that_is_not_there(
    run_service: ServiceRunner, endpoint: CallbackEndpoint, tmp_path: Path
):
    """The claim goes with the refresh token."""
    shop = pushing(endpoint)
    async with run_service(clients=[shop], sections=sections(tmp_path)) as bank:
        phone = await bank.enrolled_phone("alice")
        await started(shop)
        await phone.approve_next()
        told = (await endpoint.next()).json
        assert "refresh_token" not in told
        assert RT_HASH not in claims_of(told["id_token"])


@pytest.mark.clause("ciba-12-1", "ciba-12-2")
async def test_a_denial_is_pushed(
    bank: RunningService, shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """With the error that the token endpoint would have told."""
    auth_req_id = await started(shop)
    (challenge,) = await alice.fetch()
    await alice.decide(alice.denial(challenge))
    push = await endpoint.next()
    assert push.headers["content-type"] == "application/json"
    hold_error(push.json, "access_denied", auth_req_id)
    await bank.telemetry.seen("callback_delivered")


@pytest.mark.clause("ciba-12-1")
async def test_a_failure_is_pushed(
    bank: RunningService, shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """Five wrong PINs end the request."""
    auth_req_id = await started(shop)
    (challenge,) = await alice.fetch()
    for _ in range(5):
        await alice.decide(alice.approval(challenge, pin=False))
    hold_error((await endpoint.next()).json, "transaction_failed", auth_req_id)
    await bank.telemetry.seen("callback_delivered")


@pytest.mark.clause("ciba-12-1", "ciba-12-3")
async def test_expiry_is_pushed(
    bank: RunningService, shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """And tried again for a minute, since the client learns it in no other way."""
    endpoint.answers = [OOPS, DONE]
    auth_req_id = await started(shop, requested_expiry=10)
    bank.clock.advance(10)
    hold_error((await endpoint.next()).json, "expired_token", auth_req_id)
    await again(bank, 1)
    hold_error((await endpoint.next()).json, "expired_token", auth_req_id)
    await bank.telemetry.seen("callback_delivered")
    assert await alice.fetch() == []


def hold_error(told: dict[str, str], error: str, auth_req_id: str) -> None:
    """Hold that it is this error, in printable characters, and nothing else."""
    assert (told.pop("error"), told.pop("auth_req_id")) == (error, auth_req_id)
    description = told.pop("error_description")
    assert all(" " <= letter <= "~" and letter not in '"\\' for letter in description)
    assert told == {}


@pytest.mark.clause("ciba-10.3-6")
async def test_what_may_pass_is_pushed_again_to_the_letter(
    bank: RunningService, shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """The same bytes each time; a 200 is as good as a 204, and its body is ignored."""
    endpoint.answers = [OOPS, None, answer("200 OK", body=b"thanks")]
    await started(shop)
    await alice.approve_next()
    await again(bank, 1)
    await again(bank, 2)
    await bank.telemetry.seen("callback_delivered")
    assert len(endpoint.received) == 3
    assert len({(each.line, str(each.headers), each.body) for each in endpoint.received}) == 1
    assert len(bank.telemetry.named("transaction_redeemed")) == 1
    assert await introspected(bank, endpoint.received[0].json["access_token"]) == 200


@pytest.mark.clause("ciba-10.3-5")
@pytest.mark.parametrize(
    "said",
    [answer("302 Found", "Location: https://127.0.0.1/"), answer("403 Forbidden")],
    ids=["302", "403"],
)
async def test_tokens_that_nobody_takes_are_revoked(
    bank: RunningService,
    shop: WireClient,
    alice: WirePhone,
    endpoint: CallbackEndpoint,
    said: bytes,
):
    """A refusal is final: the grant ends, with access token and refresh token."""
    endpoint.answers = [said]
    await started(shop)
    await alice.approve_next()
    told = (await endpoint.next()).json
    abandoned = await bank.telemetry.seen("callback_abandoned")
    assert abandoned.fields["reason"] == "refused"
    assert await introspected(bank, told["access_token"]) == 401
    form = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    refused = await shop.post("/token", {**form, **shop.credentials()})
    assert refused.json()["error"] == "invalid_grant"
    assert len(endpoint.received) == 1
    transaction = str(abandoned.fields["transaction_id"])
    assert await bank.commands.call("EXISTS", grant_key(transaction)) == 0


async def test_an_error_that_nobody_took_can_be_pushed_once_more(
    bank: RunningService, shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """An operator makes it due again: the same bytes. Tokens that were revoked never are."""
    endpoint.answers = [answer("403 Forbidden"), answer("403 Forbidden"), DONE]
    await started(shop)
    await alice.approve_next()
    await endpoint.next()
    with_tokens = (await bank.telemetry.seen("callback_abandoned", 1)).fields["transaction_id"]
    await started(shop)
    (challenge,) = await alice.fetch()
    await alice.decide(alice.denial(challenge))
    first = await endpoint.next()
    with_error = (await bank.telemetry.seen("callback_abandoned", 2)).fields["transaction_id"]
    stores, now = bank.service.stores, bank.clock.now_ms()
    outcomes = [
        await stores.deliveries.redeliver(str(transaction), operation="it", now=now)
        for transaction in (with_tokens, with_error)
    ]
    assert outcomes == [Redelivery.REDEEMED, Redelivery.DUE]
    await bank.service.worker.work_off(partition_of(str(with_error)))
    assert await endpoint.next() == first
    assert first.json["error"] == "access_denied"
    await bank.telemetry.seen("callback_delivered")
    assert len(endpoint.received) == 3


async def test_a_push_that_stays_without_answer_is_given_up(
    bank: RunningService, shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """As long as the request could have been redeemed; then its tokens are revoked."""
    endpoint.answers = [OOPS]
    await started(shop, requested_expiry=10)
    await alice.approve_next()
    token = (await endpoint.next()).json["access_token"]
    due = (await bank.telemetry.seen("callback_due")).fields
    assert await introspected(bank, token) == 200
    bank.clock.advance(60)
    await bank.service.worker.work_off(partition_of(str(due["transaction_id"])))
    abandoned = await bank.telemetry.seen("callback_abandoned")
    assert abandoned.fields["reason"] == "too_late"
    assert await introspected(bank, token) == 401
    assert len(endpoint.received) == 1


async def test_nothing_of_a_push_is_left(
    bank: RunningService, shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """Its tokens are sealed while it is due; once delivered they are forgotten."""
    endpoint.answers = [OOPS, DONE]
    await started(shop)
    await alice.approve_next()
    token = (await endpoint.next()).json["access_token"]
    due = (await bank.telemetry.seen("callback_due")).fields
    key = transaction_key(str(due["transaction_id"]))
    sealed = await bank.commands.call("HGET", key, "p")
    assert token.encode() not in sealed
    await again(bank, 1)
    await bank.telemetry.seen("callback_delivered")
    left = await bank.commands.call("HMGET", key, "n", "p", "y", "z")
    assert left == [None, None, b"delivered", b"2"]
    works = await bank.commands.call(
        "ZRANGE", due_key(partition_of(str(due["transaction_id"]))), 0, -1
    )
    assert [work for work in works if work.startswith(b"callback")] == []
    assert token not in repr(bank.telemetry.events)
    assert TOKEN not in repr(bank.telemetry.events)


async def test_what_the_account_gate_refuses_is_pushed_as_a_failure(
    bank: RunningService,
    shop: WireClient,
    alice: WirePhone,
    endpoint: CallbackEndpoint,
    monkeypatch: pytest.MonkeyPatch,
):
    """Between the decision and the tokens something may happen to an account."""
    auth_req_id = await started(shop)
    monkeypatch.setattr("ciba_service.flow.granting.completion.challenge_hash", lambda _: "another")
    await alice.approve_next()
    hold_error((await endpoint.next()).json, "transaction_failed", auth_req_id)
    await bank.telemetry.seen("callback_delivered")


async def test_a_cancelled_request_is_not_pushed(
    run_service: ServiceRunner, shop: WireClient, endpoint: CallbackEndpoint, tmp_path: Path
):
    """Approved a moment ago, and cancelled before its tokens were made."""
    late = {"outbound": outbound_section(tmp_path), "delivery": {"callback_delay_ms": 1_000}}
    async with run_service(clients=[shop], sections=late) as bank:
        phone = await bank.enrolled_phone("alice")
        cancelled = await started(shop)
        await phone.approve_next()
        assert (await shop.cancel(cancelled)).status_code == 204
        last = await started(shop)
        await phone.approve_next()
        bank.clock.advance(1)
        assert (await endpoint.next()).json["auth_req_id"] == last
        assert (await shop.cancel(last)).status_code == 409
        await bank.telemetry.seen("callback_delivered")
    assert len(endpoint.received) == 1


@pytest.fixture
def bound(endpoint: CallbackEndpoint) -> WireClient:
    """A client whose pushed tokens are bound to a key."""
    return pushing(endpoint, dpop_bound_access_tokens=True)


@pytest.mark.clause("ciba-5-1", "ciba-5-2")
async def test_pushed_tokens_are_bound_to_the_key_shown_at_the_start(
    run_service: ServiceRunner, bound: WireClient, endpoint: CallbackEndpoint, tmp_path: Path
):
    """The proof comes with the authentication request; no other request ever comes."""
    async with run_service(clients=[bound], sections=sections(tmp_path)) as bank:
        phone = await bank.enrolled_phone("alice")
        dpop = WireDpop()
        refused = [await proven(bound, None), await proven(bound, dpop)]
        assert [each.json()["error"] for each in refused] == [
            "invalid_dpop_proof",
            "use_dpop_nonce",
        ]
        acknowledged = await proven(bound, dpop)
        assert acknowledged.status_code == 200
        assert acknowledged.headers["dpop-nonce"] == dpop.nonce
        await phone.approve_next()
        told = (await endpoint.next()).json
        assert told["token_type"] == "DPoP"
        assert claims_of(told["access_token"])["cnf"] == {"jkt": dpop.jkt}


async def test_a_proof_for_pushed_tokens_is_good_once(
    run_service: ServiceRunner, bound: WireClient, tmp_path: Path
):
    """Whoever saw it starts nothing with it, whether the first request was taken or not."""
    async with run_service(clients=[bound], sections=sections(tmp_path)) as bank:
        await bank.enrolled_phone("alice")
        dpop = WireDpop()
        await proven(bound, dpop)
        proof = dpop.proof("POST", f"{bound.issuer}/bc-authorize", bound.now())
        assert (await proven(bound, dpop, proof, scope="profile")).json()[
            "error"
        ] == "invalid_scope"
        assert (await proven(bound, dpop, proof)).json()["error"] == "invalid_dpop_proof"


@pytest.mark.clause("ciba-5-1", "ciba-5-2")
async def test_pushed_tokens_are_bound_to_the_certificate_shown_at_the_start(
    run_service: ServiceRunner, endpoint: CallbackEndpoint, tmp_path: Path
):
    """Without one nothing is started for a client that registered so."""
    shop = pushing(endpoint, tls_client_certificate_bound_access_tokens=True)
    mtls = {"base_url": "https://mtls.op.example", "proxies": ["127.0.0.1"]}
    async with run_service(clients=[shop], sections={**sections(tmp_path), "mtls": mtls}) as bank:
        phone = await bank.enrolled_phone("alice")
        refused = await shop.start(client_notification_token=TOKEN)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
        request = shop.request_object(client_notification_token=TOKEN)
        form = {**shop.credentials(), "request": request}
        acknowledged = await shop.post("/bc-authorize", form, headers=forwarded(OTHER))
        assert acknowledged.status_code == 200
        await phone.approve_next()
        told = (await endpoint.next()).json
        assert told["token_type"] == "Bearer"
        assert claims_of(told["access_token"])["cnf"].keys() == {"x5t#S256"}


async def proven(
    client: WireClient, dpop: WireDpop | None, proof: str | None = None, **claims: Any
) -> Any:
    """An authentication request with a proof, or without one."""
    claims = {"client_notification_token": TOKEN, **claims}
    form = {**client.credentials(), "request": client.request_object(**claims)}
    if dpop is None:
        return await client.post("/bc-authorize", form)
    proof = proof or dpop.proof("POST", f"{client.issuer}/bc-authorize", client.now())
    return dpop.learn(await client.post("/bc-authorize", form, headers={"DPoP": proof}))


async def due_again(bank: RunningService, number: int) -> str:
    """Wait until a failed attempt was written down; the transaction's name."""
    due = await bank.telemetry.seen("callback_due", number)
    return str(due.fields["transaction_id"])


async def worked_off(bank: RunningService, name: str, seconds: float) -> None:
    """Let time pass, and whatever is due then be done."""
    bank.clock.advance(seconds)
    await bank.service.worker.work_off(partition_of(name))


@pytest.mark.parametrize("how", ["grant ended", "phone revoked", "user disabled"])
async def test_a_retry_sends_no_tokens_that_must_not_count(
    bank: RunningService,
    shop: WireClient,
    alice: WirePhone,
    endpoint: CallbackEndpoint,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
):
    """Whatever happened to the grant or its accounts after the first attempt ends the push."""
    endpoint.answers = [OOPS, DONE]
    await started(shop)
    await alice.approve_next()
    await endpoint.next()
    name = await due_again(bank, 1)
    match how:
        case "grant ended":
            await bank.service.stores.grants.end(name)
        case "phone revoked":
            assert await bank.service.stores.devices.revoke(
                alice.device_id, now=bank.clock.now_ms()
            )
        case _:
            monkeypatch.setattr(ConfiguredUsers, "find_subject", AsyncMock(return_value=None))
    await worked_off(bank, name, 60)
    abandoned = await bank.telemetry.seen("callback_abandoned")
    assert abandoned.fields["reason"] in {"nothing_to_tell", "too_late"}
    assert len(endpoint.received) == 1
    assert await bank.commands.call("EXISTS", grant_key(name)) == 0


async def test_an_account_that_is_closed_before_its_push_gets_no_tokens(
    run_service: ServiceRunner, shop: WireClient, endpoint: CallbackEndpoint, tmp_path: Path
):
    """The gate is asked when the tokens are made, not only when the user decided."""
    late = {"outbound": outbound_section(tmp_path), "delivery": {"callback_delay_ms": 1_000}}
    async with run_service(clients=[shop], sections=late) as bank:
        phone = await bank.enrolled_phone("alice")
        auth_req_id = await started(shop)
        await phone.approve_next()
        assert await bank.service.stores.devices.revoke(phone.device_id, now=bank.clock.now_ms())
        bank.clock.advance(1)
        hold_error((await endpoint.next()).json, "transaction_failed", auth_req_id)
        await bank.telemetry.seen("callback_delivered")


async def test_a_push_revoked_before_a_crash_is_not_sent_again(
    run_service: ServiceRunner,
    shop: WireClient,
    endpoint: CallbackEndpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """The process died between the revocation and writing it down: nobody sends dead tokens."""
    note, lost = RedisCallbacks.note, list[str]()

    async def dying(self: RedisCallbacks, *noted: Any, **more: Any) -> bool:
        if noted[1].state is CallbackState.ABANDONED and not lost:
            lost.append("it dies here")
            raise StoreUnavailable(lost[0])
        return await note(self, *noted, **more)

    monkeypatch.setattr(RedisCallbacks, "note", dying)
    endpoint.answers = [answer("404 Not Found"), DONE]
    async with run_service(clients=[shop], sections=sections(tmp_path)) as bank:
        phone = await bank.enrolled_phone("alice")
        await started(shop)
        await phone.approve_next()
        await endpoint.next()
        await bank.telemetry.failed("callback_failed")
        begun = bank.telemetry.named("transaction_started")[-1]
        await worked_off(bank, str(begun.fields["transaction_id"]), 40)
        await bank.telemetry.seen("callback_abandoned")
        assert len(endpoint.received) == 1


@pytest.mark.parametrize("mode", ["poll", "ping"])
async def test_tokens_that_a_client_asked_for_are_not_those_of_a_push(
    run_service: ServiceRunner, endpoint: CallbackEndpoint, tmp_path: Path, mode: str
):
    """It became another client while its push was due: the push is dropped, its tokens are not."""
    late = {"outbound": outbound_section(tmp_path), "delivery": {"callback_delay_ms": 10_000}}
    shop = pushing(endpoint, grant_types=[CIBA, "refresh_token"])
    async with run_service(clients=[shop], sections=late) as bank:
        phone = await bank.enrolled_phone("alice")
        auth_req_id = await started(shop)
        await phone.approve_next()
        begun = bank.telemetry.named("transaction_started")[-1]
    shop.metadata["backchannel_token_delivery_mode"] = mode
    if mode == "poll":
        del shop.metadata["backchannel_client_notification_endpoint"]
    async with run_service(clients=[shop], sections=late) as bank:
        token = (await shop.poll(auth_req_id)).json()["access_token"]
        await worked_off(bank, str(begun.fields["transaction_id"]), 11)
        await bank.telemetry.seen("callback_abandoned")
        assert await introspected(bank, token) == 200


async def test_a_grant_whose_push_nobody_could_make_ends_with_its_record(
    bank: RunningService, shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """Everything was down until then; once delivered, the grant lasts as long as it says."""
    endpoint.answers = [OOPS, DONE]
    await started(shop)
    await alice.approve_next()
    await endpoint.next()
    name = await due_again(bank, 1)
    keys = transaction_key(name), grant_key(name)
    ends = [await bank.commands.call("PEXPIRETIME", key) for key in keys]
    assert ends[0] == ends[1]
    await again(bank, 1)
    await bank.telemetry.seen("callback_delivered")
    assert await bank.commands.call("PEXPIRETIME", keys[1]) > ends[1] + 86_400_000
    assert await bank.commands.call("HEXISTS", keys[1], "w") == 0


@pytest.mark.parametrize(
    "lifetimes",
    [
        {"access_token_lifetime": 60, "id_token_lifetime": 300},
        {"access_token_lifetime": 300, "id_token_lifetime": 60},
    ],
    ids=["access token", "ID token"],
)
async def test_nothing_that_has_expired_is_pushed(
    run_service: ServiceRunner,
    shop: WireClient,
    endpoint: CallbackEndpoint,
    tmp_path: Path,
    lifetimes: dict[str, int],
):
    """Whichever of the tokens ends first ends the attempts."""
    endpoint.answers = [OOPS]
    with_tokens = {**sections(tmp_path), "tokens": lifetimes}
    async with run_service(clients=[shop], sections=with_tokens) as bank:
        phone = await bank.enrolled_phone("alice")
        await started(shop)
        await phone.approve_next()
        await endpoint.next()
        name = await due_again(bank, 1)
        await worked_off(bank, name, 60)
        abandoned = await bank.telemetry.seen("callback_abandoned")
        assert abandoned.fields["reason"] == "too_late"
        assert len(endpoint.received) == 1


async def test_access_whose_push_was_refused_is_not_listed(
    bank: RunningService, shop: WireClient, alice: WirePhone, endpoint: CallbackEndpoint
):
    """The user sees no lasting access that nobody has."""
    endpoint.answers = [answer("403 Forbidden")]
    await started(shop)
    await alice.approve_next()
    name = str((await bank.telemetry.seen("callback_abandoned")).fields["transaction_id"])
    tag = user_tag("alice")
    later = bank.clock.now_ms() + 3_600_000
    assert not await bank.service.stores.accesses.has(tag, name, now=later)
