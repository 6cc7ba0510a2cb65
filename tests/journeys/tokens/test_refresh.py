"""Refresh tokens: who gets one, what it gets, and what ends it (RFC 6749 6, OIDC Core 12)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from ciba_service.flow.account_gate import AccountGate
from ciba_service.protocol.tokens.token_text import transaction_of
from tests.journeys.deciding.test_payment import PAYMENT
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.dpop import WireDpop
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of, new_key
from tests.wire.tokens import (
    API,
    REFRESHING,
    granted,
    is_active,
    refresh,
    resource_server,
    revoke,
)

DAY = 86_400
TOKENS = {"audience": API, "refresh_token_idle_lifetime": 10 * DAY}


@pytest.fixture(scope="module")
def shop() -> WireClient:
    """A client that registered the refresh grant."""
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
    """A service with these, and a till without the grant."""
    clients = [shop, rival, api, WireClient("till")]
    async with run_service(clients=clients, sections={"tokens": TOKENS}) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code, of an answer that says nothing else and is kept nowhere."""
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()["error"]


@pytest.mark.clause("oidc-12.2-1", "oidc-12.2-2", "oidc-12.1-1", "fapi2-sp-5.3.2.1-9")
async def test_a_refresh_brings_new_tokens_of_the_same_grant(
    bank: RunningService, shop: WireClient, alice: WirePhone, api: WireClient
):
    """Another access token, and an ID token that differs in nothing but its own times and hash."""
    first = await granted(shop, alice)
    bank.clock.advance(60)
    for _ in range(2):
        answer = await refresh(shop, first["refresh_token"])
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        second = answer.json()
        assert "refresh_token" not in second
        assert second["access_token"] != first["access_token"]
        assert (second["token_type"], second["expires_in"]) == ("Bearer", 300)
        assert await is_active(api, second["access_token"])
    old, new = claims_of(first["id_token"]), claims_of(second["id_token"])
    assert "nonce" not in new
    assert (new.pop("iat") - old.pop("iat"), new.pop("exp") - old.pop("exp")) == (60, 60)
    assert new.pop("at_hash") != old.pop("at_hash")
    assert new == old
    assert set(old) == {"iss", "sub", "aud", "auth_time", "acr", "amr", "txn"}


@pytest.mark.clause("oidc-16.18-1")
async def test_the_user_is_told_that_access_lasts(shop: WireClient, alice: WirePhone):
    """Before approving, when a refresh token will be issued; a payment comes without either."""
    for claims, is_told in (({}, True), ({"authorization_details": [PAYMENT]}, False)):
        auth_req_id = await shop.started(**claims)
        (challenge,) = await alice.fetch()
        shares = claims_of(challenge)["display"]["shares"]
        assert ("Lasting access, without asking you again" in shares) is is_told
        await alice.decide(alice.approval(challenge))
        tokens = (await shop.poll(auth_req_id)).json()
        assert ("refresh_token" in tokens) is is_told


@pytest.mark.clause("rfc6749-6-2", "rfc9700-2.3-1", "fapi2-sp-5.3.2.1-14")
async def test_scope_may_be_narrowed_and_never_widened(shop: WireClient, alice: WirePhone):
    """The narrower scope is that of the one access token; the grant keeps its own."""
    first = await granted(shop, alice, scope="openid profile")
    token = first["refresh_token"]
    narrow = (await refresh(shop, token, scope="profile")).json()
    assert narrow["scope"] == claims_of(narrow["access_token"])["scope"] == "profile"
    assert "id_token" not in narrow
    assert refusal(await refresh(shop, token, scope="openid email")) == (400, "invalid_scope")
    assert (await refresh(shop, token)).json()["scope"] == "openid profile"
    assert (await refresh(shop, token, scope="openid profile")).status_code == 200


@pytest.mark.clause("rfc6749-6-1", "rfc9700-2.2.2-1", "rfc8705-7.1-1")
async def test_another_clients_refresh_token_is_worth_nothing(
    shop: WireClient, rival: WireClient, alice: WirePhone
):
    """It is refused like one that never was, to the byte, and stays good for its owner."""
    token = (await granted(shop, alice))["refresh_token"]
    foreign, unknown = await refresh(rival, token), await refresh(rival, "A" * 64)
    assert refusal(foreign) == (400, "invalid_grant")
    assert foreign.content == unknown.content
    assert (await refresh(shop, token)).status_code == 200


@pytest.mark.parametrize("bad", ["", "A" * 64, "A" * 63, "é" * 64, "a.b.c", "\x00"], ids=ascii)
async def test_other_texts_are_no_refresh_tokens(shop: WireClient, alice: WirePhone, bad: str):
    """Missing is invalid_request; whatever else it is, invalid_grant; an access token, too."""
    expected = (400, "invalid_grant" if bad else "invalid_request")
    assert refusal(await refresh(shop, bad)) == expected
    access_token = (await granted(shop, alice))["access_token"]
    for scope in ("openid", "more than was granted"):
        refused = await refresh(shop, access_token, scope=scope)
        assert refusal(refused) == (400, "invalid_grant")


async def test_authentication_is_told_first(shop: WireClient, alice: WirePhone):
    """Without it, and with an assertion used before, it does not matter what else is wrong."""
    token = (await granted(shop, alice))["refresh_token"]
    assertion = shop.assertion()
    assert (await refresh(shop, token, client_assertion=assertion)).status_code == 200
    for wrong in (token, "", "A" * 64):
        for credentials in (assertion, "none"):
            refused = await refresh(shop, wrong, client_assertion=credentials, scope="no such")
            assert refusal(refused) == (401, "invalid_client")


async def test_the_grant_must_be_registered(bank: RunningService, alice: WirePhone):
    """A client without it gets no refresh token and may not use one."""
    tokens = await granted(bank.till, alice)
    assert "refresh_token" not in tokens
    refused = await refresh(bank.till, "A" * 64)
    assert refusal(refused) == (400, "unauthorized_client")


async def test_a_payment_is_not_refreshed(shop: WireClient, alice: WirePhone):
    """A grant with a linked payment has its one access token and that is all."""
    tokens = await granted(shop, alice, authorization_details=[PAYMENT])
    assert "refresh_token" not in tokens
    assert tokens["expires_in"] == 300


@pytest.mark.clause("rfc9700-4.14-2")
async def test_a_refresh_token_ends_when_it_lies_idle(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """Used in time it goes on; unused for the idle time it is over."""
    token = (await granted(shop, alice))["refresh_token"]
    for _ in range(3):
        bank.clock.advance(10 * DAY - 1)
        assert (await refresh(shop, token)).status_code == 200
    bank.clock.advance(10 * DAY)
    for scope in ("openid", "more than was granted"):
        assert refusal(await refresh(shop, token, scope=scope)) == (400, "invalid_grant")


async def test_no_use_carries_it_beyond_the_absolute_end(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """Ninety days after the approval the user must be asked again."""
    token = (await granted(shop, alice))["refresh_token"]
    for _ in range(9):
        bank.clock.advance(10 * DAY - 1)
        assert (await refresh(shop, token)).status_code == 200
    bank.clock.advance(9)
    assert refusal(await refresh(shop, token)) == (400, "invalid_grant")


async def test_a_shorter_lifetime_counts_at_once(
    run_service: ServiceRunner, shop: WireClient, api: WireClient
):
    """What an operator configures holds for refresh tokens that were issued before."""
    async with run_service(clients=[shop, api]) as service:
        phone = await service.enrolled_phone("alice")
        token = (await granted(shop, phone))["refresh_token"]
    async with run_service(
        clients=[shop, api], sections={"tokens": {"refresh_token_lifetime": 60}}
    ) as service:
        service.clock.advance(120)
        assert refusal(await refresh(shop, token)) == (400, "invalid_grant")


async def test_a_lost_phone_ends_what_it_approved(
    bank: RunningService, shop: WireClient, alice: WirePhone, api: WireClient
):
    """When it is revoked, refresh tokens and access tokens that hang on it are over."""
    tokens = await granted(shop, alice)
    assert await is_active(api, tokens["access_token"])
    await bank.service.stores.devices.revoke(alice.device_id, now=bank.clock.now_ms())
    assert refusal(await refresh(shop, tokens["refresh_token"])) == (400, "invalid_grant")
    assert not await is_active(api, tokens["access_token"])


@pytest.mark.parametrize("is_enabled", [False, True])
async def test_a_disabled_user_refreshes_nothing(
    run_service: ServiceRunner, shop: WireClient, api: WireClient, *, is_enabled: bool
):
    """Until the account is enabled again."""
    async with run_service(clients=[shop, api]) as service:
        phone = await service.enrolled_phone("alice")
        tokens = await granted(shop, phone)
    users = ({"sub": "alice", "enabled": is_enabled},)
    async with run_service(clients=[shop, api], users=users):
        answer = await refresh(shop, tokens["refresh_token"])
        assert answer.status_code == (200 if is_enabled else 400)


async def test_locked_factors_do_not_end_what_was_approved(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """The lock says that somebody guesses PINs, not that the approval was wrong."""
    token = (await granted(shop, alice))["refresh_token"]
    await shop.started()
    (challenge,) = await alice.fetch()
    for _ in range(5):
        await alice.decide(alice.approval(challenge, pin=False))
    assert (await shop.start()).json()["error"] == "unknown_user_id"
    assert (await refresh(shop, token)).status_code == 200
    assert bank.telemetry.named("factors_locked")


async def test_refreshes_at_once_all_get_tokens(
    shop: WireClient, alice: WirePhone, api: WireClient
):
    """A refresh token is not used up, so that no race loses a grant."""
    token = (await granted(shop, alice))["refresh_token"]
    answers = await asyncio.gather(*(refresh(shop, token) for _ in range(10)))
    fresh = {answer.json()["access_token"] for answer in answers}
    assert len(fresh) == 10
    assert all([await is_active(api, each) for each in fresh])


async def test_a_grant_that_ends_meanwhile_gets_nothing(
    bank: RunningService, shop: WireClient, alice: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """Revoked between look-up and storing: the last step notices."""
    token = (await granted(shop, alice))["refresh_token"]
    grants = bank.service.stores.grants
    gate_lets_use = AccountGate.lets_use

    async def revoked_meanwhile(*arguments: Any) -> bool:
        is_open = await gate_lets_use(*arguments)
        await grants.end(transaction_of(token) or "")
        return is_open

    monkeypatch.setattr(AccountGate, "lets_use", revoked_meanwhile)
    assert refusal(await refresh(shop, token)) == (400, "invalid_grant")


@pytest.mark.clause("rfc9449-5-4", "rfc9449-5-1")
async def test_a_refreshed_token_is_bound_to_the_key_of_its_own_request(
    shop: WireClient, alice: WirePhone, api: WireClient
):
    """The refresh token is bound to the client alone; each request may bring another key."""
    token = (await granted(shop, alice))["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    for dpop in (WireDpop(), WireDpop(key=new_key(kid="second"))):
        for _ in range(2):  # the first answer is the nonce
            proof = dpop.proof("POST", f"{shop.issuer}/token", shop.now())
            answer = dpop.learn(
                await shop.post("/token", {**form, **shop.credentials()}, headers={"DPoP": proof})
            )
        tokens = answer.json()
        assert tokens["token_type"] == "DPoP"
        assert claims_of(tokens["access_token"])["cnf"] == {"jkt": dpop.jkt}
        assert await is_active(api, tokens["access_token"])


async def test_a_revoked_grant_is_not_refreshed(shop: WireClient, alice: WirePhone):
    """Given back is over."""
    token = (await granted(shop, alice))["refresh_token"]
    assert (await revoke(shop, token)).status_code == 200
    assert refusal(await refresh(shop, token)) == (400, "invalid_grant")


async def test_a_client_that_was_disabled_has_nothing(
    run_service: ServiceRunner, shop: WireClient, api: WireClient
):
    """It cannot authenticate, and its access tokens are inactive."""
    sections = {"tokens": TOKENS}
    async with run_service(clients=[shop, api], sections=sections) as service:
        tokens = await granted(shop, await service.enrolled_phone("alice"))
        assert await is_active(api, tokens["access_token"])
    disabled = WireClient("shop", key=shop.key, metadata={**REFRESHING, "enabled": False})
    async with run_service(clients=[disabled, api], sections=sections):
        refused = await refresh(disabled, tokens["refresh_token"])
        assert refusal(refused) == (401, "invalid_client")
        assert not await is_active(api, tokens["access_token"])
