"""Tokens for the resources that a client names (RFC 8707)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.conformance.refusals import assert_refused
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone, claims_of
from tests.wire.tokens import REFRESHING, granted, introspect, refresh, resource_server

ACCOUNTS, CARDS, LOANS = (f"https://bank.example/{name}" for name in ("accounts", "cards", "loans"))


@pytest.fixture(scope="module")
def shop() -> WireClient:
    """A client whose tokens may be for two resources."""
    return WireClient("shop", metadata={**REFRESHING, "resources": [ACCOUNTS, CARDS]})


@pytest.fixture(scope="module")
def accounts() -> WireClient:
    """The resource server of the accounts."""
    return resource_server("accounts", ACCOUNTS)


@pytest.fixture
async def bank(
    run_service: ServiceRunner, shop: WireClient, accounts: WireClient
) -> AsyncIterator[RunningService]:
    """A service with them."""
    async with run_service(clients=[shop, accounts]) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


def audience(tokens: dict[str, Any]) -> object:
    """Where an access token is for."""
    return claims_of(tokens["access_token"])["aud"]


def assert_invalid_target(answer: httpx2.Response) -> None:
    """Hold that the token endpoint refused the resource."""
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


@pytest.mark.parametrize(
    ("resource", "expected"),
    [(ACCOUNTS, ACCOUNTS), ([CARDS], CARDS), ([CARDS, ACCOUNTS], [CARDS, ACCOUNTS])],
    ids=["one", "one in an array", "two"],
)
@pytest.mark.clause("rfc9068-3-1")
async def test_the_token_is_for_the_resource_that_was_named(
    shop: WireClient, alice: WirePhone, resource: object, expected: object
):
    """A string where there is one, an array where there are several."""
    assert audience(await granted(shop, alice, resource=resource)) == expected


@pytest.mark.clause("rfc9068-3-1")
async def test_without_a_resource_the_token_is_for_the_default(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """That is the audience of the configuration; nothing else can be asked for later."""
    tokens = await granted(shop, alice)
    assert audience(tokens) == bank.issuer
    assert_invalid_target(await refresh(shop, tokens["refresh_token"], resource=ACCOUNTS))


@pytest.mark.parametrize("resource", [LOANS, [ACCOUNTS, LOANS], f"{ACCOUNTS}#x", 7])
async def test_a_resource_that_is_not_the_clients_fails(
    shop: WireClient, alice: WirePhone, resource: object
):
    """400 invalid_target, and the phone hears nothing."""
    assert_refused(await shop.start(resource=resource), 400, "invalid_target")
    assert await alice.fetch() == []


@pytest.mark.clause("rfc9700-2.3-1", "fapi2-sp-5.3.2.1-14")
async def test_a_token_may_be_for_fewer_than_were_granted(shop: WireClient, alice: WirePhone):
    """At the first token request and at each refresh, which leave the grant as it was."""
    auth_req_id = await shop.started(resource=[ACCOUNTS, CARDS])
    await alice.approve_next()
    assert_invalid_target(await shop.poll(auth_req_id, resource=LOANS))
    tokens = (await shop.poll(auth_req_id, resource=CARDS)).json()
    assert audience(tokens) == CARDS
    narrow = await refresh(shop, tokens["refresh_token"], resource=ACCOUNTS)
    assert audience(narrow.json()) == ACCOUNTS
    assert_invalid_target(await refresh(shop, tokens["refresh_token"], resource=LOANS))
    whole = await refresh(shop, tokens["refresh_token"])
    assert audience(whole.json()) == [ACCOUNTS, CARDS]


@pytest.mark.clause("rfc9068-5-1")
async def test_a_resource_server_learns_of_tokens_for_it(
    shop: WireClient, accounts: WireClient, alice: WirePhone
):
    """Among others or alone; of tokens for others alone it learns nothing."""
    for resource, expected in (
        (ACCOUNTS, ACCOUNTS),
        ([CARDS, ACCOUNTS], [CARDS, ACCOUNTS]),
        (CARDS, None),
    ):
        tokens = await granted(shop, alice, resource=resource)
        told = (await introspect(accounts, tokens["access_token"])).json()
        assert told.get("aud") == expected
        assert told["active"] is (expected is not None)
