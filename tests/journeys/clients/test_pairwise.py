"""Clients of one sector call a user alike, those of two differently (OpenID Connect Core 8)."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ciba_service.ports import FailureReason, OutboundFailure
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.services.told_events import told as events_told
from tests.wire.callback_endpoint import outbound_section
from tests.wire.client import CIBA, WireClient
from tests.wire.grants import TokenEndpoint, token_endpoint, told
from tests.wire.phone import WirePhone
from tests.wire.registration import (
    configure,
    metadata_of,
    permission,
    register,
    registration_section,
)
from tests.wire.sca_receipt import receipt_of
from tests.wire.signing import claims_of, new_key, public_jwk
from tests.wire.tokens import granted, introspect, refresh, resource_server, userinfo
from tests.wire.website import Website, serving_website

KEY = new_key(kid="shop")
PAIRWISE = {"subject_type": "pairwise"}
VOUCHED = "initial-access-token-for-hosts-of-shops"
BANK_TOKEN = "token-of-the-token-endpoint-of-a-bank"
SECTOR = "https://shops.example/sector.json"


@pytest.fixture
async def website(tmp_path: Path) -> AsyncIterator[Website]:
    """The shop's: its keys, and at /sector that nobody is listed yet."""
    async with serving_website(tmp_path) as website:
        website.publish(public_jwk(KEY))
        website.pages["/sector"] = []
        yield website


@pytest.fixture
def published(website: Website) -> dict[str, Any]:
    """What a client registers that publishes its keys there."""
    return {"jwks": None, "jwks_uri": website.url("/jwks")}


@pytest.fixture
def shop(published: dict[str, Any]) -> WireClient:
    """A client of the sector of its website."""
    metadata = {**published, **PAIRWISE, "grant_types": [CIBA, "refresh_token"]}
    return WireClient("shop", key=KEY, metadata=metadata)


@pytest.fixture
def kiosk(published: dict[str, Any]) -> WireClient:
    """Another one of that sector, whose access tokens say nothing."""
    opaque = {"access_token_format": "opaque"}
    return WireClient("kiosk", key=KEY, metadata={**published, **PAIRWISE, **opaque})


@pytest.fixture
def cafe(published: dict[str, Any]) -> WireClient:
    """One of the sector that it names."""
    metadata = {**published, **PAIRWISE, "sector_identifier_uri": SECTOR}
    return WireClient("cafe", key=KEY, metadata=metadata)


@pytest.fixture
def api() -> WireClient:
    """The resource server, which knows users as the service does."""
    return resource_server()


@pytest.fixture
def far_api(published: dict[str, Any]) -> WireClient:
    """A resource server of the café's sector."""
    metadata = {**published, **PAIRWISE, "sector_identifier_uri": SECTOR}
    client = resource_server("far-api", **metadata)
    client.key = KEY
    return client


@pytest.fixture
def sections(tmp_path: Path) -> dict[str, Any]:
    """A service that believes the website's certificate, and may ask this machine."""
    return {
        "outbound": outbound_section(tmp_path),
        "registration": registration_section(
            initial_access_tokens=[
                permission(),
                permission(VOUCHED, name="vouched", notification_hosts=["shops.example"]),
            ]
        ),
        "tokens": {"audience": "https://api.example"},
        "token_endpoints": [token_endpoint("bank", BANK_TOKEN)],
    }


@pytest.fixture
async def bank(
    run_service: ServiceRunner,
    shop: WireClient,
    kiosk: WireClient,
    cafe: WireClient,
    api: WireClient,
    far_api: WireClient,
    sections: dict[str, Any],
) -> AsyncIterator[RunningService]:
    """A service with all of them."""
    clients = [shop, kiosk, cafe, api, far_api]
    async with run_service(clients=clients, sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


def sub_of(tokens: Mapping[str, str]) -> str:
    """What an ID token calls the user."""
    return str(claims_of(tokens["id_token"])["sub"])


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    """Status and description."""
    assert answer.json()["error"] == "invalid_client_metadata", answer.text
    return answer.status_code, answer.json()["error_description"]


def refused(member: str) -> tuple[int, str]:
    """Because of that member."""
    return 400, f"The client metadata is not valid: {member}."


@pytest.mark.clause("ciba-4-16", "ciba-4-17")
async def test_a_user_has_one_name_in_a_sector(
    shop: WireClient, kiosk: WireClient, cafe: WireClient, alice: WirePhone
):
    """The same for both clients of the website, another one for the café, never her own."""
    in_shop, in_kiosk, in_cafe = [
        sub_of(await granted(client, alice)) for client in (shop, kiosk, cafe)
    ]
    assert in_shop == in_kiosk
    assert len({in_shop, in_cafe, "alice"}) == 3
    assert sub_of(await granted(shop, alice)) == in_shop


async def test_whatever_the_client_is_told_has_that_name(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """Access token, userinfo, receipt and later ID tokens (OpenID Connect Core 5.3.2)."""
    auth_req_id = await shop.started()
    await alice.approve_next()
    receipt = await receipt_of(shop, auth_req_id)
    tokens = (await shop.poll(auth_req_id)).json()
    sub = sub_of(tokens)
    assert claims_of(tokens["access_token"])["sub"] == sub
    assert claims_of(receipt)["sub"] == sub
    assert (await userinfo(bank, tokens["access_token"])).json()["sub"] == sub
    assert sub_of((await refresh(shop, tokens["refresh_token"])).json()) == sub
    assert "alice" not in json.dumps([claims_of(each) for each in (tokens["id_token"], receipt)])


async def test_a_resource_server_is_told_the_name_that_it_knows(
    kiosk: WireClient, cafe: WireClient, api: WireClient, far_api: WireClient, alice: WirePhone
):
    """Who has the accounts must find hers; one of a sector gets the name of that sector."""
    token = (await granted(kiosk, alice))["access_token"]
    in_cafe = sub_of(await granted(cafe, alice))
    assert (await introspect(api, token)).json()["sub"] == "alice"
    assert (await introspect(far_api, token)).json()["sub"] == in_cafe


async def test_another_token_endpoint_is_told_both_names(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """It has to find the user, and to call her in its tokens as the client does."""
    auth_req_id = await shop.started()
    await alice.approve_next()
    endpoint = TokenEndpoint(bank.http, BANK_TOKEN)
    grant = (await told(await endpoint.redeem(auth_req_id, client_id="shop")))["grant"]
    assert grant["sub"] == "alice"
    assert grant["pairwise_sub"] == sub_of(await granted(shop, alice))


@pytest.mark.clause("ciba-15-1")
async def test_a_client_names_a_user_as_it_knows_her(shop: WireClient, alice: WirePhone):
    """With an ID token of its own, or with the name alone."""
    tokens = await granted(shop, alice)
    for hint in ({"id_token_hint": tokens["id_token"]}, {"login_hint": sub_of(tokens)}):
        again = await granted(shop, alice, **{"login_hint": None, **hint})
        assert sub_of(again) == sub_of(tokens)


async def test_a_name_of_another_sector_is_nobody(
    shop: WireClient, cafe: WireClient, alice: WirePhone
):
    """Who gets hold of it learns nothing."""
    sub = sub_of(await granted(shop, alice))
    answer = await cafe.start(login_hint=sub)
    assert (answer.status_code, answer.json()["error"]) == (400, "unknown_user_id")


async def test_the_subject_that_is_asked_for_is_the_name_of_the_sector(
    shop: WireClient, alice: WirePhone
):
    """OpenID Connect Core 5.5.1: nobody else, and no other name."""
    sub = sub_of(await granted(shop, alice))
    wanted = {"id_token": {"sub": {"value": sub}}}
    assert sub_of(await granted(shop, alice, claims=wanted)) == sub
    answer = await shop.start(claims={"id_token": {"sub": {"value": "alice"}}})
    assert (answer.status_code, answer.json()["error"]) == (400, "unknown_user_id")


async def test_subject_types_are_published(
    run_service: ServiceRunner, shop: WireClient, api: WireClient, sections: dict[str, Any]
):
    """Both where clients register, else those that there are; who protects resources has none."""
    path = "/.well-known/openid-configuration"
    found = []
    closed = {name: section for name, section in sections.items() if name != "registration"}
    for opened in (sections, closed):
        async with run_service(clients=[shop, api], sections=opened) as bank:
            found.append((await bank.http.get(path)).json()["subject_types_supported"])
    assert found == [["public", "pairwise"], ["pairwise"]]


@pytest.fixture
def sector_uri(website: Website) -> str:
    """Where the website says who is of its sector."""
    return website.url("/sector")


@pytest.mark.clause("ciba-4-14", "ciba-4-15", "oidr-5-1")
async def test_a_client_registers_as_pairwise(
    bank: RunningService, published: dict[str, Any], website: Website, sector_uri: str
):
    """Its jwks_uri must be listed where its sector is described, also when it changes."""
    named = {**published, **PAIRWISE, "sector_identifier_uri": sector_uri}
    website.pages["/sector"] = ["https://elsewhere.example/jwks"]
    assert refusal(await register(bank, metadata_of(KEY, **named))) == refused(
        "sector_identifier_uri"
    )
    website.pages["/sector"].append(published["jwks_uri"])
    answer = await register(bank, metadata_of(KEY, **named))
    registered = answer.json()
    assert answer.status_code == 201
    assert registered["subject_type"] == "pairwise"
    assert registered["sector_identifier_uri"] == sector_uri
    website.pages["/sector"].clear()
    again = {**metadata_of(KEY, **named), "client_id": registered["client_id"]}
    assert refusal(await configure(bank, "PUT", registered, again)) == refused(
        "sector_identifier_uri"
    )


@pytest.mark.clause("ciba-4-15")
async def test_a_public_client_names_no_sector_that_does_not_list_it(
    bank: RunningService, published: dict[str, Any], sector_uri: str
):
    """Whatever it is named for."""
    named = {**published, "sector_identifier_uri": sector_uri}
    assert refusal(await register(bank, metadata_of(KEY, **named))) == refused(
        "sector_identifier_uri"
    )


@pytest.mark.clause("ciba-4-18")
async def test_of_who_is_pushed_to_the_endpoint_is_listed(
    bank: RunningService, website: Website, sector_uri: str
):
    """The notification endpoint vouches; keys may be registered by value."""
    endpoint = "https://shops.example/ciba"
    members = metadata_of(
        KEY,
        **PAIRWISE,
        backchannel_token_delivery_mode="push",
        backchannel_client_notification_endpoint=endpoint,
        sector_identifier_uri=sector_uri,
    )
    assert refusal(await register(bank, members, VOUCHED)) == refused("sector_identifier_uri")
    website.pages["/sector"] = [endpoint]
    assert (await register(bank, members, VOUCHED)).status_code == 201


async def test_nobody_registers_for_push_in_the_sector_of_another(bank: RunningService):
    """It would get no tokens, but receipts, and could try names."""
    members = metadata_of(
        KEY,
        **PAIRWISE,
        backchannel_token_delivery_mode="push",
        backchannel_client_notification_endpoint="https://victim.example/ciba",
    )
    assert refusal(await register(bank, members)) == refused("subject_type")


@pytest.mark.clause("oidr-5-1")
@pytest.mark.parametrize(
    ("sector", "status"), [({}, "200 OK"), ([], "404 Not Found"), ([], "302 Found")]
)
async def test_a_sector_that_cannot_be_read_is_refused(
    bank: RunningService,
    published: dict[str, Any],
    website: Website,
    sector_uri: str,
    sector: Any,
    status: str,
):
    """400 invalid_client_metadata; redirects are not followed."""
    website.pages["/sector"], website.statuses["/sector"] = sector, status
    named = {**published, **PAIRWISE, "sector_identifier_uri": sector_uri}
    assert refusal(await register(bank, metadata_of(KEY, **named))) == refused(
        "sector_identifier_uri"
    )


async def test_a_sector_within_the_operators_network_is_not_asked_for(
    bank: RunningService, published: dict[str, Any]
):
    """Like any address that a client names; whoever watches the service is told."""
    named = {**published, **PAIRWISE, "sector_identifier_uri": "https://10.0.0.1/sector"}
    assert refusal(await register(bank, metadata_of(KEY, **named))) == refused(
        "sector_identifier_uri"
    )
    (event,) = await events_told(bank, "outbound_refused")
    assert (event["use"], event["address"]) == ("sector", "private")


async def test_who_finds_no_place_to_fetch_is_told_to_come_again(
    bank: RunningService,
    published: dict[str, Any],
    sector_uri: str,
    monkeypatch: pytest.MonkeyPatch,
):
    """503: nothing is wrong with the client."""

    async def busy(*_: object) -> OutboundFailure:
        return OutboundFailure(FailureReason.BUSY, "no place")

    monkeypatch.setattr("ciba_service.channels.outbound.OutboundOnDemand.send", busy)
    named = {**published, **PAIRWISE, "sector_identifier_uri": sector_uri}
    answer = await register(bank, metadata_of(KEY, **named))
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
