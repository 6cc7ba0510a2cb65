"""Clients give tokens back (RFC 7009)."""

from collections.abc import AsyncIterator

import pytest

from ciba_service.protocol.tokens.token_text import transaction_of
from ciba_service.stores.keys import grant_key
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import new_key
from tests.wire.tokens import (
    API,
    REFRESHING,
    granted,
    is_active,
    refresh,
    resource_server,
    revoke,
)


@pytest.fixture(scope="module")
def shop() -> WireClient:
    """A client with refresh tokens."""
    return WireClient("shop", metadata=REFRESHING)


@pytest.fixture(scope="module")
def rival() -> WireClient:
    """Another one."""
    return WireClient("rival", key=new_key(kid="rival"), metadata=REFRESHING)


@pytest.fixture(scope="module")
def api() -> WireClient:
    """The resource server."""
    return resource_server()


@pytest.fixture
async def bank(
    run_service: ServiceRunner, shop: WireClient, rival: WireClient, api: WireClient
) -> AsyncIterator[RunningService]:
    """A service with these."""
    sections = {"tokens": {"audience": API}}
    async with run_service(clients=[shop, rival, api], sections=sections) as running:
        yield running


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


@pytest.mark.clause("rfc7009-2-1", "rfc7009-2.1-3", "rfc7009-2.2-1")
async def test_a_refresh_token_ends_its_grant(
    bank: RunningService, shop: WireClient, alice: WirePhone, api: WireClient
):
    """With every access token of it; giving it back again is answered alike."""
    first = await granted(shop, alice)
    second = (await refresh(shop, first["refresh_token"])).json()
    for _ in range(2):
        answer = await revoke(shop, first["refresh_token"])
        assert (answer.status_code, answer.json()) == (200, {})
        assert answer.headers["cache-control"] == "no-store"
    for token in (first["access_token"], second["access_token"]):
        assert not await is_active(api, token)
    refused = await refresh(shop, first["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    name = transaction_of(first["refresh_token"]) or ""
    assert await bank.commands.call("EXISTS", grant_key(name)) == 0
    assert len(bank.telemetry.named("grant_revoked")) == 1


@pytest.mark.clause("rfc7009-2-1")
async def test_an_access_token_ends_alone(shop: WireClient, alice: WirePhone, api: WireClient):
    """The grant goes on, with its other access tokens and its refresh token."""
    first = await granted(shop, alice)
    second = (await refresh(shop, first["refresh_token"])).json()
    assert (await revoke(shop, first["access_token"])).status_code == 200
    assert not await is_active(api, first["access_token"])
    assert await is_active(api, second["access_token"])
    assert (await refresh(shop, first["refresh_token"])).status_code == 200


@pytest.mark.clause("rfc7009-2.1-1")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_another_clients_token_is_left_alone(
    shop: WireClient, rival: WireClient, alice: WirePhone, api: WireClient, kind: str
):
    """Nobody ends what is not its own, and nobody learns that it exists."""
    tokens = await granted(shop, alice)
    for stranger in (rival, api):
        foreign, unknown = await revoke(stranger, tokens[kind]), await revoke(stranger, "A" * 64)
        assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content)
    unauthenticated = await shop.post("/revoke", {"token": tokens[kind]})
    assert unauthenticated.status_code == 401
    assert unauthenticated.json()["error"] == "invalid_client"
    assert await is_active(api, tokens["access_token"])
    assert (await refresh(shop, tokens["refresh_token"])).status_code == 200


@pytest.mark.clause("rfc7009-2.1-2")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token", "no such"])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_a_hint_that_does_not_help_does_no_harm(
    shop: WireClient, alice: WirePhone, api: WireClient, hint: str, kind: str
):
    """Every type is searched, whatever the hint."""
    tokens = await granted(shop, alice)
    assert (await revoke(shop, tokens[kind], token_type_hint=hint)).status_code == 200
    assert not await is_active(api, tokens["access_token"])


@pytest.mark.clause("rfc7009-2.2-1")
async def test_what_is_no_token_is_answered_like_one(
    bank: RunningService, shop: WireClient, alice: WirePhone, api: WireClient
):
    """Unknown, run out, an ID token, garbage: 200, and nothing is ended."""
    tokens = await granted(shop, alice)
    for text in ("x", "é", "a.b.c", "A" * 64, tokens["id_token"], tokens["access_token"] + "A"):
        answer = await revoke(shop, text)
        assert (answer.status_code, answer.json()) == (200, {})
    assert await is_active(api, tokens["access_token"])
    bank.clock.advance(300)
    assert (await revoke(shop, tokens["access_token"])).status_code == 200
    assert (await refresh(shop, tokens["refresh_token"])).status_code == 200


async def test_a_revocation_without_a_token_is_malformed(bank: RunningService, shop: WireClient):
    """400 for an authenticated client, 401 for another; only POST is answered."""
    used = shop.assertion()
    empty = await revoke(shop, "", client_assertion=used)
    assert (empty.status_code, empty.json()["error"]) == (400, "invalid_request")
    for token in ("", "x"):
        again = await revoke(shop, token, client_assertion=used)
        assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    wrong = await bank.http.get("/revoke?token=x")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")


@pytest.mark.clause("rfc7009-2.2.1-1")
async def test_what_cannot_be_done_now_is_to_be_tried_again(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """503 with Retry-After, and the token is as good as before: nobody believes it ended."""
    token = (await granted(shop, alice))["refresh_token"]
    key = grant_key(transaction_of(token) or "")
    await bank.commands.call("HSET", key, "v", "99")
    for answer in (await revoke(shop, token), await refresh(shop, token)):
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert int(answer.headers["retry-after"]) > 0
    await bank.commands.call("HSET", key, "v", "2")
    assert (await refresh(shop, token)).status_code == 200
