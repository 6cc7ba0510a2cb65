"""Tokens bound to certificates and keys: told to resource servers, renewed, and how long."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from ciba_service.protocol.jose.encoding import base64url
from tests.journeys.tokens.test_mtls import LONG, ROOT, forwarded
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.unit.protocol.client.certificates.authority import key
from tests.wire.client import CIBA, WireClient
from tests.wire.dpop import WireDpop
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of, new_key
from tests.wire.tokens import API, introspect, resource_server

OLD = ROOT.issue("signer", key(owner="old"), days=LONG)
RENEWED = ROOT.issue("signer", key(owner="renewed"), days=LONG)
HOUR = 3600


@pytest.fixture(scope="module")
def signer() -> WireClient:
    """A client that signs assertions, and whose tokens are bound to its certificate."""
    grants = [CIBA, "refresh_token"]
    return WireClient("signer", metadata={"profile": "fapi-ciba", "grant_types": grants})


@pytest.fixture(scope="module")
def speaker() -> WireClient:
    """A client whose tokens are bound to a DPoP key."""
    bound = {"profile": "fapi2-ciba", "dpop_bound_access_tokens": True}
    return WireClient("speaker", key=new_key(kid="speaker"), metadata=bound)


@pytest.fixture(scope="module")
def api() -> WireClient:
    """The resource server."""
    return resource_server()


def sections(**tokens: Any) -> dict[str, dict[str, Any]]:
    """A proxy on this machine, and an hour for tokens."""
    return {
        "mtls": {"base_url": "https://mtls.op.example", "proxies": ["127.0.0.1"]},
        "tokens": {"audience": API, "access_token_lifetime": HOUR, **tokens},
    }


@pytest.fixture
async def bank(
    run_service: ServiceRunner, signer: WireClient, speaker: WireClient, api: WireClient
) -> AsyncIterator[RunningService]:
    """A service with all of them."""
    clients = [signer, speaker, WireClient("till"), api]
    async with run_service(clients=clients, sections=sections()) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


async def token_request(
    client: WireClient, certificate: x509.Certificate, **form: str
) -> dict[str, Any]:
    """A token request that succeeds, over a connection with a certificate."""
    sent = {**form, **client.credentials()}
    answer = await client.post("/token", sent, headers=forwarded(certificate))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def certified_tokens(client: WireClient, phone: WirePhone) -> dict[str, Any]:
    """The tokens of an approved request, bound to the old certificate."""
    auth_req_id = await client.started()
    await phone.approve_next()
    return await token_request(client, OLD, grant_type=CIBA, auth_req_id=auth_req_id)


async def opened(
    service: RunningService, token: str, certificate: x509.Certificate
) -> httpx2.Response:
    """What userinfo says to the token over a connection with a certificate."""
    headers = {"authorization": f"Bearer {token}", **forwarded(certificate)}
    return await service.http.get("/userinfo", headers=headers)


def thumbprint(certificate: x509.Certificate) -> str:
    """RFC 8705 3.1."""
    return base64url(certificate.fingerprint(SHA256()))


@pytest.mark.clause("rfc8705-3.2-1")
@pytest.mark.parametrize("access_token_format", ["jwt", "opaque"])
async def test_a_bound_token_is_described_with_its_certificate(
    run_service: ServiceRunner, signer: WireClient, api: WireClient, access_token_format: str
):
    """``cnf`` at top level, as in the token itself, whatever its format."""
    told_of = sections(access_token_format=access_token_format)
    async with run_service(clients=[signer, api], sections=told_of) as service:
        phone = await service.enrolled_phone("alice")
        token = (await certified_tokens(signer, phone))["access_token"]
        told = (await introspect(api, token)).json()
        assert told["cnf"] == {"x5t#S256": thumbprint(OLD)}
        if access_token_format == "jwt":
            assert claims_of(token)["cnf"] == told["cnf"]


@pytest.mark.clause("rfc8705-6.3-1")
async def test_a_renewed_certificate_gets_tokens_of_its_own(
    bank: RunningService, signer: WireClient, alice: WirePhone
):
    """By the refresh token of before; each token opens something with its own one only."""
    first = await certified_tokens(signer, alice)
    second = await token_request(
        signer, RENEWED, grant_type="refresh_token", refresh_token=first["refresh_token"]
    )
    cnf = claims_of(second["access_token"])["cnf"]
    assert cnf == {"x5t#S256": thumbprint(RENEWED)}
    for tokens, certificate, status in (
        (first, OLD, 200),
        (first, RENEWED, 401),
        (second, RENEWED, 200),
        (second, OLD, 401),
    ):
        assert (await opened(bank, tokens["access_token"], certificate)).status_code == status


async def dpop_tokens(client: WireClient, phone: WirePhone) -> dict[str, Any]:
    """The tokens of an approved request, bound to a key; a nonce is learnt where one is used."""
    dpop, auth_req_id = WireDpop(), await client.started()
    await phone.approve_next()
    for _ in range(2):
        form = {"grant_type": CIBA, "auth_req_id": auth_req_id, **client.credentials()}
        proof = dpop.proof("POST", f"{client.issuer}/token", client.now())
        answer = dpop.learn(await client.post("/token", form, headers={"DPoP": proof}))
        if answer.status_code == 200:
            break
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.clause("fapi1-p1-5.2.2-21")
async def test_only_a_bound_token_lives_for_an_hour(
    bank: RunningService, signer: WireClient, speaker: WireClient, alice: WirePhone
):
    """Where an hour is configured; one that anybody can use lives less than ten minutes."""
    by_certificate = await certified_tokens(signer, alice)
    by_key = await dpop_tokens(speaker, alice)
    auth_req_id = await bank.till.started()
    await alice.approve_next()
    unbound = (await bank.till.poll(auth_req_id)).json()
    lifetimes = [tokens["expires_in"] for tokens in (by_certificate, by_key, unbound)]
    assert lifetimes == [HOUR, HOUR, 599]


@pytest.mark.clause("rfc9449-11.2-1")
async def test_without_nonces_a_key_makes_no_token_live_longer(
    run_service: ServiceRunner, speaker: WireClient
):
    """Proofs for it may have been made in advance."""
    no_nonces = sections(require_dpop_nonce=False)
    async with run_service(clients=[speaker], sections=no_nonces) as service:
        tokens = await dpop_tokens(speaker, await service.enrolled_phone("alice"))
        assert (tokens["token_type"], tokens["expires_in"]) == ("DPoP", 599)
