"""Clients that publish their keys themselves: whatever they sign is held against their jwks_uri."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.unit.listening.tls.listeners import ALWAYS
from tests.unit.protocol.client.certificates.authority import der, self_signed
from tests.unit.protocol.client.certificates.test_registration import jwk
from tests.wire.callback_endpoint import outbound_section
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.registration import register, registration_section
from tests.wire.signing import JoseKey, new_key, public_jwk
from tests.wire.tokens import granted
from tests.wire.website import Website, serving_website

OLD, NEW = new_key(kid="old"), new_key(kid="new")


@pytest.fixture
async def website(tmp_path: Path) -> AsyncIterator[Website]:
    """It publishes the old key."""
    async with serving_website(tmp_path) as website:
        website.publish(public_jwk(OLD))
        yield website


def goes_down(website: Website) -> None:
    """From now on nothing is found there."""
    website.statuses["/jwks"] = "500 Sorry"


@pytest.fixture
def sections(tmp_path: Path) -> dict[str, Any]:
    """A service that believes the website's certificate, and may ask this machine."""
    return {
        "outbound": outbound_section(tmp_path),
        "registration": registration_section(),
        "mtls": {"base_url": "https://mtls.op.example", "proxies": ["127.0.0.1"]},
    }


@pytest.fixture
def shop(website: Website) -> WireClient:
    """A client with a ``jwks_uri``."""
    metadata = {"jwks": None, "jwks_uri": website.url("/jwks")}
    return WireClient("shop", key=OLD, metadata=metadata)


@pytest.fixture
async def bank(
    run_service: ServiceRunner, shop: WireClient, sections: dict[str, Any]
) -> AsyncIterator[RunningService]:
    """A service with that client."""
    async with run_service(clients=[shop], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


def relabelled(token: str, alg: str) -> str:
    """The token with another algorithm in its header."""
    header, payload, signature = token.split(".")
    members = json.loads(base64.urlsafe_b64decode(header + "=="))
    written = base64.urlsafe_b64encode(json.dumps({**members, "alg": alg}).encode()).rstrip(b"=")
    return f"{written.decode()}.{payload}.{signature}"


def certified(owner: str, certificate: x509.Certificate) -> dict[str, Any]:
    """The public key of an owner with its certificate."""
    return jwk(owner, kid=owner, x5c=[base64.b64encode(der(certificate)).decode()])


def changed(client: WireClient, new: JoseKey) -> WireClient:
    """The client, signing with another key."""
    client.key = new
    return client


async def test_keys_are_fetched_once_for_a_whole_flow(
    shop: WireClient, alice: WirePhone, website: Website
):
    """Assertions and the signed request are verified with what stands at the jwks_uri."""
    assert (await granted(shop, alice))["access_token"]
    assert len(website.requests) == 1


@pytest.mark.clause("oidc-10.1.1-1")
async def test_an_unknown_kid_is_looked_for_at_most_once_a_minute(
    bank: RunningService, shop: WireClient, alice: WirePhone, website: Website
):
    """A client rotates its keys without telling anybody; a forger costs it no traffic."""
    await granted(shop, alice)
    for _ in range(3):
        refused = await changed(shop, new_key(kid="forged")).start()
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert len(website.requests) == 2
    website.publish(public_jwk(OLD), public_jwk(NEW))
    assert (await changed(shop, NEW).start()).status_code == 401
    bank.clock.advance(60)
    assert (await granted(shop, alice))["access_token"]
    assert len(website.requests) == 3


async def test_request_and_assertion_may_have_different_new_keys(
    shop: WireClient, alice: WirePhone, website: Website
):
    """Whichever comes first has the set fetched anew for both."""
    await granted(shop, alice)
    website.publish(public_jwk(OLD), public_jwk(NEW))
    form = {**shop.credentials(), "request": shop.request_object(key=NEW, header={"kid": "new"})}
    assert (await shop.post("/bc-authorize", form)).status_code == 200


async def test_a_website_that_is_down_is_the_clients_trouble(
    bank: RunningService, shop: WireClient, alice: WirePhone, website: Website
):
    """What was fetched before counts for another hour; then, and for strangers, 401 and 400."""
    await granted(shop, alice)
    goes_down(website)
    bank.clock.advance(3600)
    await shop.started()
    bank.clock.advance(3700)
    refused = await shop.start()
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert "jwks_uri" in str(bank.telemetry.named("request_refused")[-1].fields["reason"])


async def test_nothing_is_fetched_for_an_algorithm_that_is_not_allowed(
    shop: WireClient, bank: RunningService, website: Website
):
    """Neither for an assertion nor for a request, nor for what is no JWS."""
    wrong = relabelled(shop.assertion(), "RS256")
    form = {**shop.credentials(), "client_assertion": wrong}
    assert (await shop.post("/bc-authorize", form)).status_code == 401
    assert website.requests == []
    for request in (relabelled(shop.request_object(), "none"), "no JWS"):
        form = {**shop.credentials(), "request": request}
        refused = await shop.post("/bc-authorize", form)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert len(website.requests) == 1
    assert bank.telemetry.failures == []


async def test_a_client_registers_its_jwks_uri(
    bank: RunningService, website: Website, shop: WireClient
):
    """It is told back, and its keys are those found there."""
    metadata = {**shop.registration(), "client_id": None, "authorization_details_types": None}
    answer = await register(bank, metadata)
    told = answer.json()
    assert (answer.status_code, told["jwks_uri"]) == (201, website.url("/jwks"))
    assert "jwks" not in told
    client = WireClient(
        told["client_id"], key=OLD, issuer=bank.issuer, clock=bank.clock, http=bank.http
    )
    phone = await bank.enrolled_phone("alice")
    assert (await granted(client, phone))["access_token"]


async def test_certificates_are_found_there_as_well(
    run_service: ServiceRunner, sections: dict[str, Any], website: Website
):
    """self_signed_tls_client_auth: the certificate beside the key, and its successor."""
    signer = new_key(kid="requests")
    client = WireClient(
        "shop",
        key=signer,
        metadata={
            "token_endpoint_auth_method": "self_signed_tls_client_auth",
            "jwks": None,
            "jwks_uri": website.url("/jwks"),
        },
    )
    first, second = (self_signed(owner=name, days=ALWAYS) for name in ("first", "second"))
    website.publish(public_jwk(signer), certified("first", first))
    async with run_service(clients=[client], sections=sections) as bank:
        client.key = signer

        async def ask(certificate: x509.Certificate) -> int:
            form = {"client_id": "shop", "request": client.request_object()}
            headers = {"Client-Cert": f":{base64.b64encode(der(certificate)).decode()}:"}
            return (await client.post("/bc-authorize", form, headers=headers)).status_code

        await bank.enrolled_phone("alice")
        assert await ask(first) == 200
        assert await ask(second) == 401
        website.publish(public_jwk(signer), certified("first", first), certified("second", second))
        bank.clock.advance(60)
        assert await ask(second) == 200
        goes_down(website)
        bank.clock.advance(7300)
        assert await ask(first) == 401
