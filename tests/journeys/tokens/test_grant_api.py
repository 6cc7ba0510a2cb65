"""Somebody else's token endpoint asks for grants over HTTP (docs/grant-api.md)."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any, NoReturn

import httpx2
import pytest

from ciba_service.ports import StoreUnavailable, Swap
from ciba_service.sca.messages import transaction_id
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.asking.transactions import RedisTransactions
from tests.services import told_events
from tests.services.asgi_server import serving
from tests.services.idle_worker import make_idle
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.grants import TokenEndpoint, token_endpoint, told
from tests.wire.phone import WirePhone
from tests.wire.resource import PAYMENT, refusal
from tests.wire.signing import new_key

TOKEN, SHOPS, OVER = (secrets.token_urlsafe(32) for _ in range(3))
REDEEM = "/grants/ciba/redeem"


def endpoints() -> list[dict[str, Any]]:
    """One that may act for every client, one for a shop only, and one whose token is over."""
    return [
        token_endpoint("bank", TOKEN),
        token_endpoint("shops", SHOPS, clients=["shop"]),
        token_endpoint("old", OVER, expires="2020-01-01T00:00:00Z"),
    ]


@pytest.fixture
async def service(
    run_service: ServiceRunner, till: WireClient, other_till: WireClient
) -> AsyncIterator[RunningService]:
    """A service that token endpoints elsewhere may ask."""
    sections = {"token_endpoints": endpoints()}
    async with run_service(clients=[till, other_till], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
def bank(service: RunningService) -> TokenEndpoint:
    """The token endpoint of the bank."""
    return TokenEndpoint(service.http, TOKEN)


async def approved(service: RunningService, phone: WirePhone, **claims: Any) -> str:
    """A request that Alice approved."""
    auth_req_id = await service.till.started(**claims)
    await phone.approve_next()
    return auth_req_id


async def test_the_grant_says_who_approved_what_and_how(
    service: RunningService, phone: WirePhone, bank: TokenEndpoint
):
    """All that tokens elsewhere have to state, and nothing of the phone."""
    asked = {"scope": "openid profile", "authorization_details": [PAYMENT]}
    auth_req_id = await approved(service, phone, **asked)
    answer = await told(await bank.redeem(auth_req_id))
    assert answer.keys() == {"status", "grant"}
    grant = answer["grant"]
    assert answer["status"] == "granted"
    assert (grant["sub"], grant["client_id"], grant["scope"]) == ("alice", "till", "openid profile")
    assert grant["txn"] == transaction_id(auth_req_id)
    assert grant["authorization_details"] == [PAYMENT]
    assert grant["auth_time"] == service.clock.now()
    assert {"pop", "pin"} <= set(grant["amr"])
    assert grant["acr"] == "urn:openbanking:psd2:sca"
    assert len(grant["challenge_hash"]) == 43


@pytest.mark.parametrize("resources", [[], ["https://api.example"]], ids=["none", "one"])
async def test_the_grant_names_the_resources_that_were_asked_for(
    run_service: ServiceRunner, resources: list[str]
):
    """Its tokens are for nothing else (RFC 8707 2)."""
    shop = WireClient("shop", metadata={"resources": ["https://api.example"]})
    async with run_service(clients=[shop], sections={"token_endpoints": endpoints()}) as service:
        phone = await service.enrolled_phone()
        auth_req_id = await shop.started(**({"resource": resources} if resources else {}))
        await phone.approve_next()
        bank = TokenEndpoint(service.http, TOKEN)
        grant = (await told(await bank.redeem(auth_req_id, client_id="shop")))["grant"]
    assert grant.get("resource", []) == resources


async def test_pending_slow_down_and_granted(
    service: RunningService, phone: WirePhone, bank: TokenEndpoint
):
    """The pace is that of our own token endpoint, with the words for the client."""
    auth_req_id = await service.till.started()
    pending = await told(await bank.redeem(auth_req_id))
    assert (pending["status"], pending["error"]) == ("pending", "authorization_pending")
    assert pending["error_description"]
    for interval in (10, 15):
        early = await told(await bank.redeem(auth_req_id))
        assert (early["status"], early["error"]) == ("slow_down", "slow_down")
        assert early["interval"] == interval
    await phone.approve_next()
    assert (await told(await bank.redeem(auth_req_id)))["status"] == "granted"


async def test_polls_here_and_at_our_own_token_endpoint_are_one_count(
    service: RunningService, phone: WirePhone, bank: TokenEndpoint
):
    """Nobody polls twice as often by asking in two places, and what is taken is taken."""
    auth_req_id = await service.till.started()
    await told(await bank.redeem(auth_req_id))
    assert refusal(await service.till.poll(auth_req_id)) == (400, "slow_down")
    await phone.approve_next()
    assert (await told(await bank.redeem(auth_req_id)))["status"] == "granted"
    assert refusal(await service.till.poll(auth_req_id)) == (400, "invalid_grant")


async def test_denied_and_expired(service: RunningService, phone: WirePhone, bank: TokenEndpoint):
    """Each with the error that the client is told."""
    denied = await service.till.started()
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge))
    expired = await service.till.started()
    answer = await told(await bank.redeem(denied))
    assert (answer["status"], answer["error"]) == ("denied", "access_denied")
    service.clock.advance(181)
    answer = await told(await bank.redeem(expired))
    assert (answer["status"], answer["error"]) == ("expired", "expired_token")


async def test_whatever_is_no_grant_of_the_client_looks_the_same(
    service: RunningService, phone: WirePhone, bank: TokenEndpoint
):
    """Unknown, another's, redeemed, cancelled, of a client nobody knows, or not to be acted for."""
    redeemed = await approved(service, phone)
    await told(await bank.redeem(redeemed))
    cancelled = await service.till.started()
    await service.till.cancel(cancelled)
    pending = await service.till.started()
    shops = TokenEndpoint(service.http, SHOPS)
    answers = [
        await told(await bank.redeem("A" * 43)),
        await told(await bank.redeem("no id at all")),
        await told(await bank.redeem("\ud7ff" * 1024)),
        await told(await bank.redeem(pending, client_id="other-till")),
        await told(await bank.redeem(pending, client_id="stranger")),
        await told(await bank.redeem(redeemed)),
        await told(await bank.redeem(cancelled)),
        await told(await shops.redeem(pending)),
    ]
    assert [each["status"] for each in answers] == ["invalid"] * len(answers)
    assert len({json.dumps(each) for each in answers}) == 1
    assert (await told(await bank.redeem(pending)))["status"] == "pending"
    misused = await told_events.told(service, "token_misused")
    assert misused[0]["client_id"] == "other-till"


async def test_the_same_key_gets_the_same_grant_again(
    service: RunningService, phone: WirePhone, bank: TokenEndpoint
):
    """Whose answer was lost asks once more; no other key, and no other caller, gets a second."""
    auth_req_id = await approved(service, phone)
    first = await bank.redeem(auth_req_id, key="request-1")
    again = await bank.redeem(auth_req_id, key="request-1")
    assert (await told(first)) == (await told(again))
    for asker, key in ((bank, "request-2"), (TokenEndpoint(service.http, SHOPS), "request-1")):
        assert (await told(await asker.redeem(auth_req_id, key=key)))["status"] == "invalid"
    redeemed = [each.name for each in service.telemetry.events].count("transaction_redeemed")
    assert redeemed == 1


@pytest.mark.usefixtures("phone")
async def test_a_repeated_question_is_one_poll(service: RunningService, bank: TokenEndpoint):
    """Whoever repeats a question whose answer was lost is not too fast."""
    auth_req_id = await service.till.started()
    for _ in range(3):
        answer = await told(await bank.redeem(auth_req_id, key="request-1"))
        assert answer["status"] == "pending"
    assert (await told(await bank.redeem(auth_req_id)))["status"] == "slow_down"


async def test_of_many_askers_one_wins(
    service: RunningService, phone: WirePhone, bank: TokenEndpoint
):
    """Redeemed once, however many ask at the same moment."""
    auth_req_id = await approved(service, phone)
    answers = await asyncio.gather(*(bank.redeem(auth_req_id) for _ in range(8)))
    statuses = sorted([(await told(each))["status"] for each in answers])
    assert statuses == ["granted", *["invalid"] * 7]


async def test_the_account_gate_is_asked_at_every_answer(
    service: RunningService, phone: WirePhone, bank: TokenEndpoint
):
    """A phone that was lost after the approval closes it, for the same key as well."""
    taken, untaken = [await approved(service, phone) for _ in range(2)]
    await told(await bank.redeem(taken, key="request-1"))
    devices = service.service.stores.devices
    (device,) = await devices.list(user_tag("alice"))
    await devices.revoke(device.device_id, now=service.clock.now_ms())
    for auth_req_id in (taken, untaken):
        answer = await told(await bank.redeem(auth_req_id, key="request-1"))
        assert answer["status"] == "denied"


async def test_a_decision_releases_whoever_waits_for_it(
    service: RunningService, phone: WirePhone, bank: TokenEndpoint
):
    """``Prefer: wait`` as at our own token endpoint (RFC 7240)."""
    auth_req_id = await service.till.started()
    waiting = asyncio.create_task(bank.redeem(auth_req_id, prefer="wait=20"))
    async with asyncio.timeout(10):
        while not service.service.held.held:  # noqa: ASYNC110 - what is waited for is in the service
            await asyncio.sleep(0)
    await phone.approve_next()
    answer = await waiting
    assert answer.headers["preference-applied"] == "wait=20"
    assert (await told(answer))["status"] == "granted"


@pytest.mark.usefixtures("phone")
@pytest.mark.parametrize("prefer", ["wait=0", None])
async def test_who_does_not_wait_is_told_of_no_wait(
    service: RunningService, bank: TokenEndpoint, prefer: str | None
):
    """Nothing was held: no preference was applied (RFC 7240 3)."""
    answer = await bank.redeem(await service.till.started(), prefer=prefer)
    assert "preference-applied" not in answer.headers
    assert (await told(answer))["status"] == "pending"


async def test_a_client_of_pushes_and_one_without_ciba_get_no_grant_here(
    run_service: ServiceRunner,
):
    """The token endpoint learns that it is the client's registration (CIBA 11)."""
    push = {
        "backchannel_token_delivery_mode": "push",
        "backchannel_client_notification_endpoint": "https://client.example/push",
    }
    asking = {
        "grant_types": [],
        "backchannel_token_delivery_mode": None,
        "protected_resources": ["https://api.example"],
    }
    clients = [
        WireClient("pushed", metadata=push),
        WireClient("api", key=new_key(kid="api"), metadata=asking),
    ]
    sections = {"token_endpoints": endpoints()}
    async with run_service(clients=clients, sections=sections) as service:
        bank = TokenEndpoint(service.http, TOKEN)
        for name in ("pushed", "api"):
            answer = await told(await bank.redeem("A" * 43, client_id=name))
            assert (answer["status"], answer["error"]) == ("unauthorized", "unauthorized_client")
        answer = await told(await bank.cancel("A" * 43, client_id="api"))
        assert answer["status"] == "unauthorized"


async def test_an_answer_that_never_came_is_fetched_with_its_key(
    service: RunningService,
    phone: WirePhone,
    bank: TokenEndpoint,
    monkeypatch: pytest.MonkeyPatch,
):
    """The grant was taken, and the store's word of it was lost: 503, and no grant is lost."""
    auth_req_id = await approved(service, phone)
    swap = RedisTransactions.swap

    async def taken(store: RedisTransactions, asked: Swap) -> NoReturn:
        assert (await swap(store, asked)).won
        raise StoreUnavailable

    monkeypatch.setattr(RedisTransactions, "swap", taken)
    answer = await bank.redeem(auth_req_id, key="request-1")
    assert refusal(answer) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"]
    monkeypatch.undo()
    assert (await told(await bank.redeem(auth_req_id)))["status"] == "invalid"
    assert (await told(await bank.redeem(auth_req_id, key="request-1")))["status"] == "granted"
    assert [each.name for each in service.telemetry.failures] == ["store_unavailable"]
    service.telemetry.failures.clear()


async def test_a_pending_question_takes_one_round_trip_and_a_grant_three(
    service: RunningService,
    phone: WirePhone,
    bank: TokenEndpoint,
    monkeypatch: pytest.MonkeyPatch,
):
    """As at our own token endpoint: look; look at the accounts, swap."""
    make_idle(service.service.worker, monkeypatch)
    await told(await bank.redeem(await approved(service, phone)))
    auth_req_id = await service.till.started()
    await phone.fetch()
    before = service.commands.flushes
    await told(await bank.redeem(auth_req_id))
    assert service.commands.flushes - before == 1
    await phone.approve_next()
    before = service.commands.flushes
    assert (await told(await bank.redeem(auth_req_id)))["status"] == "granted"
    assert service.commands.flushes - before == 3


# --- Who may ask, and how ---


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        ("", 401, None),
        ("Basic YmFuazpiYW5r", 401, None),
        (f"DPoP {TOKEN}", 401, None),
        (f"Bearer {secrets.token_urlsafe(32)}", 401, "invalid_token"),
        (f"Bearer {OVER}", 401, "invalid_token"),
        ("Bearer", 400, "invalid_request"),
        ("Bearer a b", 400, "invalid_request"),
        (f"Bearer {'a' * 8193}", 400, "invalid_request"),
    ],
    ids=["none", "basic", "dpop", "unknown", "over", "empty", "two", "long"],
)
async def test_nobody_else_may_ask(
    service: RunningService, bank: TokenEndpoint, authorization: str, status: int, code: str | None
):
    """Whoever is no token endpoint learns nothing, whatever else is wrong with the question."""
    for path in (REDEEM, "/grants/ciba/cancel"):
        answer = await bank.post(path, b"[", authorization=authorization)
        assert answer.status_code == status
        challenge = answer.headers.get("www-authenticate", "")
        assert challenge.startswith("Bearer") == (status == 401)
        assert ("invalid_token" in challenge) == (code == "invalid_token")
    events = await told_events.told(service, "token_endpoint_refused")
    assert len(events) == (2 if code == "invalid_token" else 0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"client_id": "till"}',
        b'{"client_id": "till", "auth_req_id": 7}',
        b'{"client_id": "", "auth_req_id": "A"}',
        b'{"client_id": "till", "auth_req_id": "A", "more": 1}',
        b'{"client_id": "till", "auth_req_id": "' + b"A" * 1025 + b'"}',
        b'{"client_id": "till", "auth_req_id": "\\ud800"}',
        b'{"client_id": "till", "auth_req_id": "\xff"}',
        b"[" * 4096,
    ],
    ids=range(12),
)
async def test_a_question_that_does_not_fit_is_refused(bank: TokenEndpoint, body: bytes):
    """400: the token endpoint has made a mistake, and no client is to blame."""
    answer = await bank.post(REDEEM, body, **{"idempotency-key": "k"})
    assert refusal(answer) == (400, "invalid_request")


@pytest.mark.parametrize("key", ["", "two words", "\xe4", "k" * 256])
async def test_a_question_needs_a_key(service: RunningService, key: str):
    """Without one nobody could repeat it."""
    body = {"client_id": "till", "auth_req_id": "A" * 43}
    headers = {"authorization": f"Bearer {TOKEN}"} | ({"idempotency-key": key} if key else {})
    answer = await service.http.post(
        REDEEM, json=body, headers=[(n, v.encode("latin-1")) for n, v in headers.items()]
    )
    assert refusal(answer) == (400, "invalid_request")


async def test_only_json_of_a_bounded_size_is_read(bank: TokenEndpoint):
    """Method, media type and size come first of all."""
    form = await bank.post(REDEEM, b"a=b", **{"content-type": "application/x-www-form-urlencoded"})
    assert refusal(form) == (400, "invalid_request")
    large = await bank.post(REDEEM, b" " * 8193)
    assert refusal(large) == (413, "invalid_request")
    assert (await bank.http.get(REDEEM)).status_code == 405


async def test_who_guesses_tokens_has_to_wait(run_service: ServiceRunner, till: WireClient):
    """429 for the address that fails again and again, before anything is looked at."""
    sections = {
        "token_endpoints": endpoints(),
        "server": {"address_header": "X-Real-IP"},
        "mtls": {"base_url": "https://mtls.bank.example", "proxies": ["127.0.0.1"]},
        "limits": {"failed_authentications": 3},
    }
    async with run_service(clients=[till], sections=sections) as service:
        guesser = TokenEndpoint(service.http, "guessed")
        for expected in (401, 401, 401, 429):
            answer = await guesser.redeem("A" * 43, **{"x-real-ip": "192.0.2.1"})
            assert answer.status_code == expected
        bank = TokenEndpoint(service.http, TOKEN)
        answer = await told(await bank.redeem("A" * 43, **{"x-real-ip": "192.0.2.2"}))
        assert answer["status"] == "invalid"


async def test_the_api_is_not_there_unless_somebody_may_use_it(
    run_service: ServiceRunner, till: WireClient
):
    """Off by default."""
    async with run_service(clients=[till]) as service:
        answer = await TokenEndpoint(service.http, TOKEN).redeem("A" * 43)
        assert refusal(answer) == (404, "not_found")
        assert service.service.grants_app is None


async def test_it_may_have_a_listener_of_its_own(run_service: ServiceRunner, till: WireClient):
    """Then it is there, and there is nothing else, and it is not on the ordinary one."""
    sections = {"token_endpoints": endpoints(), "grants": {"port": 0}}
    async with run_service(clients=[till], sections=sections) as service:
        app = service.service.grants_app
        assert app is not None
        async with (
            serving(app) as url,
            httpx2.AsyncClient(base_url=url, timeout=None) as http,
        ):
            phone = await service.enrolled_phone()
            auth_req_id = await approved(service, phone)
            assert (await TokenEndpoint(service.http, TOKEN).redeem("A" * 43)).status_code == 404
            assert refusal(await http.post("/token")) == (404, "not_found")
            answer = await told(await TokenEndpoint(http, TOKEN).redeem(auth_req_id))
            assert answer["status"] == "granted"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            b'{"client_id": 7777, "auth_req_id": "A"}',
            "Expected `str`, got `int` - at `$.client_id`",
        ),
        (b'{"auth_req_id": "7777', "not JSON"),
        (b'{"auth_req_id": "7777\xff"}', "not JSON"),
    ],
    ids=["type", "text", "bytes"],
)
async def test_the_log_says_why_a_question_does_not_fit(
    service: RunningService, bank: TokenEndpoint, body: bytes, reason: str
):
    """Without a word of what was sent."""
    await bank.post(REDEEM, body, **{"idempotency-key": "k"})
    (line,) = service.telemetry.named("request_refused")
    assert line.fields["reason"] == f"the body does not fit: {reason}"
    assert "7777" not in str(service.telemetry.events)


@pytest.mark.usefixtures("phone")
async def test_the_log_says_why_there_was_no_grant(service: RunningService, bank: TokenEndpoint):
    """More than the client is told, and nothing where there is no more to say."""
    auth_req_id = await service.till.started()
    await told(await bank.redeem(auth_req_id))
    await told(await bank.redeem(auth_req_id, client_id="other-till"))
    pending, unknown = service.telemetry.named("request_refused")
    assert pending.fields.get("reason") is None
    assert unknown.fields["reason"]


async def test_the_log_names_the_request_and_no_secret(
    service: RunningService, phone: WirePhone, bank: TokenEndpoint
):
    """One line for each question: endpoint, client, transaction, and why there was no grant."""
    auth_req_id = await service.till.started()
    await told(await bank.redeem(auth_req_id))
    await phone.approve_next()
    await told(await bank.redeem(auth_req_id))
    lines = [
        each.fields for each in service.telemetry.events if each.fields.get("endpoint") == REDEEM
    ]
    assert [each.get("error") for each in lines] == ["authorization_pending", None]
    for line in lines:
        assert line["client_id"] == "till"
        assert line["transaction_id"] == transaction_id(auth_req_id)
        assert line["status"] == 200
    text = str(service.telemetry.events)
    assert auth_req_id not in text
    assert TOKEN not in text


# --- Taking requests back ---


async def test_what_is_pending_or_approved_is_cancelled(
    service: RunningService, phone: WirePhone, bank: TokenEndpoint
):
    """Prompts vanish; cancelled once more it stays cancelled."""
    ready = await approved(service, phone)
    pending = await service.till.started()
    for auth_req_id in (pending, ready, pending):
        assert await told(await bank.cancel(auth_req_id)) == {"status": "cancelled"}
    assert await phone.fetch() == []
    assert refusal(await service.till.poll(ready)) == (400, "invalid_grant")


async def test_what_is_settled_is_not_cancelled(
    service: RunningService, phone: WirePhone, bank: TokenEndpoint
):
    """What was redeemed is told as settled; what is not the client's as invalid."""
    redeemed = await approved(service, phone)
    await told(await bank.redeem(redeemed))
    assert await told(await bank.cancel(redeemed)) == {"status": "settled"}
    pending = await service.till.started()
    for asking in (
        bank.cancel("A" * 43),
        bank.cancel(pending, client_id="other-till"),
        bank.cancel(pending, client_id="stranger"),
        TokenEndpoint(service.http, SHOPS).cancel(pending),
    ):
        assert (await told(await asking))["status"] == "invalid"
    assert (await told(await bank.redeem(pending)))["status"] == "pending"
