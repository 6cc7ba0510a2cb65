"""What a client sends and hears: the same at our own endpoints and at an Authlib server's."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ciba_service.stores.driver.target import RedisTarget
from tests.services.doors import Door, authlib_door, own_door
from tests.services.service_fixtures import ServiceRunner
from tests.wire.callback_endpoint import callback_endpoint, outbound_section
from tests.wire.client import CIBA, WireClient
from tests.wire.resource import PAYMENT
from tests.wire.signing import claims_of, new_key

SIGNING = {"token_endpoint_auth_method": "private_key_jwt"}
PENDING = (400, "authorization_pending")
OpenDoor = Callable[[list[WireClient], dict[str, Any]], AbstractAsyncContextManager[Door]]


@pytest.fixture(scope="module")
def shop() -> WireClient:
    """A client that polls, and signs what it asks, as Authlib's own method cannot verify it."""
    return WireClient("shop", alg="PS256", key=new_key("PS256"), metadata=SIGNING)


@pytest.fixture
def other() -> WireClient:
    """Another one, which signs with another key."""
    return WireClient("other", key=new_key(kid="other"), metadata=SIGNING)


@pytest.fixture(params=["own", "authlib"])
def open_door(
    request: pytest.FixtureRequest,
    run_service: ServiceRunner,
    embedded_target: RedisTarget,
    tmp_path_factory: pytest.TempPathFactory,
) -> OpenDoor:
    """One of the two, with clients and settings."""
    if request.param == "own":
        return partial(own_door, run_service)
    return partial(authlib_door, embedded_target, tmp_path_factory.getbasetemp() / "keys")


@pytest.fixture
async def door(open_door: OpenDoor, shop: WireClient, other: WireClient) -> AsyncIterator[Door]:
    """The same for clients that poll."""
    async with open_door([shop, other], {}) as entered:
        yield entered
        assert entered.telemetry.failures == []


async def heard(client: WireClient, auth_req_id: str, **changed: str) -> tuple[int, str]:
    """What a poll that gets no tokens is told."""
    answer = await client.poll(auth_req_id, **changed)
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"error", "error_description"}
    return answer.status_code, answer.json()["error"]


@pytest.mark.clause("ciba-7.3-1", "ciba-7.3-7", "ciba-10.1.1-1", "ciba-10.1.1-3", "ciba-11-1")
async def test_a_request_is_approved_and_collected(door: Door, shop: WireClient):
    """Nothing before the user has decided; then tokens that say who it was."""
    started = await door.start(shop)
    assert (started.status_code, started.headers["cache-control"]) == (200, "no-store")
    assert started.json().keys() == {"auth_req_id", "expires_in", "interval"}
    auth_req_id = started.json()["auth_req_id"]
    assert await heard(shop, auth_req_id) == PENDING
    await door.phone.approve_next()
    answer = await shop.poll(auth_req_id)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json()["token_type"] == "Bearer"
    claims = claims_of(answer.json()["id_token"])
    assert (claims["sub"], claims["aud"]) == (door.subject, "shop")


@pytest.mark.clause("rfc9396-7-1")
async def test_an_approved_payment_is_told(door: Door, shop: WireClient):
    """The answer has exactly what the user saw, and nothing that lasts."""
    auth_req_id = await door.started(shop, authorization_details=[PAYMENT])
    await door.phone.approve_next()
    answer = (await shop.poll(auth_req_id)).json()
    assert answer["authorization_details"] == [PAYMENT]
    assert "refresh_token" not in answer


@pytest.mark.clause("ciba-11-4")
async def test_a_denial_is_told(door: Door, shop: WireClient):
    """As often as is asked."""
    auth_req_id = await door.started(shop)
    (challenge,) = await door.phone.fetch()
    await door.phone.decide(door.phone.denial(challenge))
    for _ in range(2):
        assert await heard(shop, auth_req_id) == (400, "access_denied")


@pytest.mark.clause("ciba-11-3")
async def test_an_unanswered_request_expires(door: Door, shop: WireClient):
    """When its time is over, and not before."""
    auth_req_id = await door.started(shop)
    door.clock.advance(179)
    assert await heard(shop, auth_req_id) == PENDING
    door.clock.advance(1)
    assert await heard(shop, auth_req_id) == (400, "expired_token")


@pytest.mark.clause("ciba-10.1-7", "ciba-11-2")
async def test_polling_too_early_lengthens_the_interval_for_good(door: Door, shop: WireClient):
    """Each early poll adds five seconds."""
    auth_req_id = await door.started(shop)
    told = []
    for pause in (0, 1, 9, 10):
        door.clock.advance(pause)
        told.append((await heard(shop, auth_req_id))[1])
    assert told == [
        "authorization_pending",
        "slow_down",
        "authorization_pending",
        "authorization_pending",
    ]


@pytest.mark.clause("ciba-10.1-8", "ciba-10.1.1-2")
async def test_of_many_collections_at_once_one_gets_tokens(door: Door, shop: WireClient):
    """And afterwards there is nothing left to collect."""
    auth_req_id = await door.started(shop)
    await door.phone.approve_next()
    answers = await asyncio.gather(*(shop.poll(auth_req_id) for _ in range(8)))
    told = Counter(answer.json().get("error", "tokens") for answer in answers)
    assert told == {"tokens": 1, "invalid_grant": 7}
    assert await heard(shop, auth_req_id) == (400, "invalid_grant")


@pytest.mark.clause("ciba-10.1-2", "ciba-11-5", "ciba-11-9")
async def test_another_client_learns_nothing(door: Door, shop: WireClient, other: WireClient):
    """Another's request looks like one that never was, approved or not."""
    auth_req_id = await door.started(shop)
    assert await heard(other, auth_req_id) == (400, "invalid_grant")
    await door.phone.approve_next()
    assert await heard(other, auth_req_id) == (400, "invalid_grant")
    assert await heard(other, "A" * 43) == (400, "invalid_grant")
    assert (await shop.poll(auth_req_id)).status_code == 200


async def test_a_client_takes_its_request_back(door: Door, shop: WireClient, other: WireClient):
    """Nobody else can; then the prompt is gone, and there is nothing to collect."""
    auth_req_id = await door.started(shop)
    refused = await other.cancel(auth_req_id)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    for _ in range(2):
        cancelled = await shop.cancel(auth_req_id)
        assert (cancelled.status_code, cancelled.content) == (204, b"")
    assert await door.phone.fetch() == []
    assert await heard(shop, auth_req_id) == (400, "invalid_grant")


@pytest.mark.clause("ciba-10.1-1", "ciba-13-8")
async def test_a_poll_that_fails_authentication_is_no_poll(door: Door, shop: WireClient):
    """Each assertion counts once; without one nothing is said, and nothing counts."""
    auth_req_id = await door.started(shop)
    assertion = shop.assertion()
    assert await heard(shop, auth_req_id, client_assertion=assertion) == PENDING
    door.clock.advance(1)
    for bad in (assertion, shop.assertion(iss="other"), "none"):
        told = await heard(shop, auth_req_id, client_assertion=bad)
        assert told == (401, "invalid_client")
    door.clock.advance(4)
    assert await heard(shop, auth_req_id) == PENDING


@pytest.mark.clause("ciba-7.1-1")
async def test_whoever_asks_proves_who_it_is(door: Door, shop: WireClient):
    """A request without an assertion, or by a client that does not exist, is answered alike."""
    signed = {"request": shop.request_object(login_hint=door.subject)}
    nobody = WireClient("nobody", issuer=door.issuer, clock=door.clock)
    for form in (signed, {**signed, **nobody.credentials()}):
        answer = await shop.post("/bc-authorize", form)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert await door.phone.fetch() == []


@pytest.mark.clause(
    "ciba-7.1-11", "ciba-7.1-14", "ciba-7.1-17", "ciba-7.2-5", "ciba-7.2-8", "ciba-13-1"
)
async def test_what_cannot_be_asked_is_refused(door: Door, shop: WireClient):
    """With the code that is meant for it, and no prompt."""
    cases: list[tuple[dict[str, object], str]] = [
        ({"login_hint": None}, "invalid_request"),
        ({"login_hint": "nobody"}, "unknown_user_id"),
        ({"binding_message": "x" * 1000}, "invalid_binding_message"),
        ({"scope": "openid everything"}, "invalid_scope"),
        ({"requested_expiry": 0}, "invalid_request"),
        ({"aud": "https://elsewhere.example"}, "invalid_request"),
    ]
    for claims, error in cases:
        answer = await door.start(shop, **claims)
        assert (answer.status_code, answer.json()["error"]) == (400, error)
        assert set(answer.json()) == {"error", "error_description"}
    assert await door.phone.fetch() == []


@pytest.mark.clause("ciba-10.1-3")
async def test_malformed_token_requests_are_refused(door: Door, shop: WireClient):
    """A parameter that is missing, without a value, or there twice."""
    auth_req_id = await door.started(shop)
    for sent in ("", "&auth_req_id=", f"&auth_req_id={auth_req_id}" * 2):
        credentials = "".join(f"&{name}={value}" for name, value in shop.credentials().items())
        answer = await door.http.post(
            "/token",
            content=f"grant_type={CIBA}{sent}{credentials}",
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.clause("ciba-7-2")
async def test_requests_are_posted_forms(door: Door, shop: WireClient):
    """Neither asked for by ``GET``, nor in another format."""
    form = {**shop.credentials(), "request": shop.request_object(login_hint=door.subject)}
    assert (await door.http.get("/bc-authorize", params=form)).status_code == 405
    answer = await door.http.post("/bc-authorize", params=form, json={})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert await door.phone.fetch() == []


@pytest.mark.clause("ciba-10.2-1", "ciba-10.2-3", "ciba-10.1-10")
async def test_a_client_is_pinged_and_collects(open_door: OpenDoor, tmp_path: Path):
    """It may poll meanwhile like any other."""
    async with callback_endpoint(tmp_path) as endpoint:
        metadata = {
            **SIGNING,
            "backchannel_token_delivery_mode": "ping",
            "backchannel_client_notification_endpoint": endpoint.url,
        }
        pinged = WireClient("pinged", metadata=metadata)
        sections = {"outbound": outbound_section(tmp_path), "delivery": {"callback_delay_ms": 0}}
        async with open_door([pinged], sections) as door:
            auth_req_id = await door.started(pinged, client_notification_token="n" * 43)
            assert await heard(pinged, auth_req_id) == PENDING
            await door.phone.approve_next()
            ping = await endpoint.next()
            assert ping.headers["authorization"] == f"Bearer {'n' * 43}"
            assert ping.json == {"auth_req_id": auth_req_id}
            assert (await pinged.poll(auth_req_id)).status_code == 200
            assert door.telemetry.failures == []
