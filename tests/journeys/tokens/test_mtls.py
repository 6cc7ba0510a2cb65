"""Certificates forwarded by a proxy: clients prove themselves, tokens are bound (RFC 8705)."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.unit.protocol.client.certificates.authority import CA, Authority, common_name, issue, key
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

LONG = (-1, 36_500)
NAME, KEY = common_name("root"), key(owner="root")
ROOT = Authority(
    NAME, KEY, issue(NAME, KEY, issuer=NAME, signing_key=KEY, extensions=(CA,), days=LONG)
)
TILL = ROOT.issue("till", days=LONG)
OTHER = ROOT.issue("other", days=LONG)
BY_NAME = {
    "profile": "fapi-ciba",
    "token_endpoint_auth_method": "tls_client_auth",
    "tls_client_auth_subject_dn": "CN=till",
}


def forwarded(certificate: x509.Certificate) -> dict[str, str]:
    """The header of a proxy (RFC 9440)."""
    der = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    return {"Client-Cert": f":{der}:"}


@pytest.fixture(scope="module")
def till() -> WireClient:
    """A FAPI client with a certificate."""
    return WireClient("till", metadata=BY_NAME)


@pytest.fixture(scope="module")
def signer() -> WireClient:
    """A FAPI client that signs assertions, and whose tokens are bound to its certificate."""
    return WireClient("signer", metadata={"profile": "fapi-ciba"})


@pytest.fixture
def mtls(tmp_path: Path) -> dict[str, Any]:
    """A proxy on this machine, and one authority."""
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    return {
        "base_url": "https://mtls.op.example",
        "proxies": ["127.0.0.1"],
        "authorities": str(authorities),
    }


@pytest.fixture
async def bank(
    run_service: ServiceRunner, till: WireClient, signer: WireClient, mtls: dict[str, Any]
) -> AsyncIterator[RunningService]:
    """A service behind that proxy."""
    async with run_service(clients=[till, signer], sections={"mtls": mtls}) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


async def started(
    client: WireClient, certificate: x509.Certificate, **form: str
) -> httpx2.Response:
    """An authentication request of a client with a certificate."""
    sent = {"client_id": client.client_id, "request": client.request_object(), **form}
    return await client.post("/bc-authorize", sent, headers=forwarded(certificate))


async def polled(
    client: WireClient, auth_req_id: str, certificate: x509.Certificate, **form: str
) -> httpx2.Response:
    """A token request of a client with a certificate."""
    sent = {"client_id": client.client_id, "grant_type": CIBA, "auth_req_id": auth_req_id, **form}
    return await client.post("/token", sent, headers=forwarded(certificate))


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code."""
    return answer.status_code, answer.json()["error"]


@pytest.mark.clause("rfc8705-3-1")
async def test_a_client_with_a_certificate_gets_a_bound_token(
    bank: RunningService, till: WireClient, alice: WirePhone
):
    """From request to token without any assertion; the token names the certificate."""
    auth_req_id = (await started(till, TILL)).json()["auth_req_id"]
    assert refusal(await polled(till, auth_req_id, TILL)) == (400, "authorization_pending")
    await alice.approve_next()
    bank.clock.advance(5)
    tokens = (await polled(till, auth_req_id, TILL)).json()
    assert tokens["token_type"] == "Bearer"
    assert claims_of(tokens["access_token"])["cnf"].keys() == {"x5t#S256"}


@pytest.mark.usefixtures("alice")
async def test_another_certificate_is_another_client(till: WireClient):
    """The client_id of one with the certificate of the other is invalid_client everywhere."""
    auth_req_id = (await started(till, TILL)).json()["auth_req_id"]
    assert refusal(await started(till, OTHER)) == (401, "invalid_client")
    assert refusal(await polled(till, auth_req_id, OTHER)) == (401, "invalid_client")
    assert refusal(await started(till, TILL, client_id="signer")) == (401, "invalid_client")


@pytest.mark.clause("fapi2-sp-5.3.2.1-4")
async def test_without_a_certificate_nothing_is_told(
    bank: RunningService, signer: WireClient, alice: WirePhone
):
    """A bound client that signs its assertions hears invalid_request, pending or approved."""
    auth_req_id = await signer.started()
    assert refusal(await signer.poll(auth_req_id)) == (400, "invalid_request")
    await alice.approve_next()
    assert refusal(await signer.poll(auth_req_id)) == (400, "invalid_request")
    tokens = await polled(signer, auth_req_id, OTHER, **signer.credentials())
    assert claims_of(tokens.json()["access_token"])["cnf"].keys() == {"x5t#S256"}
    assert bank.telemetry.failures == []


async def test_an_assertion_may_be_for_the_alias(signer: WireClient, alice: WirePhone):
    """Its audience is the address that was called, and the issuer as well."""
    auth_req_id = await signer.started()
    await alice.approve_next()
    alias = signer.credentials(aud="https://mtls.op.example/token")
    assert (await polled(signer, auth_req_id, OTHER, **alias)).status_code == 200


@pytest.mark.usefixtures("alice")
async def test_a_header_that_is_no_certificate_is_refused(till: WireClient):
    """A broken proxy is told so, before anybody is authenticated."""
    form = {"client_id": "till", "request": till.request_object()}
    answer = await till.post("/bc-authorize", form, headers={"Client-Cert": "nonsense"})
    assert refusal(answer) == (400, "invalid_request")


@pytest.mark.clause("rfc8705-6.5-1")
async def test_nobody_else_is_believed(
    run_service: ServiceRunner, till: WireClient, mtls: dict[str, Any]
):
    """The header of whoever is not that proxy proves nothing."""
    elsewhere = {**mtls, "proxies": ["192.0.2.1"]}
    async with run_service(clients=[till], sections={"mtls": elsewhere}):
        assert refusal(await started(till, TILL)) == (401, "invalid_client")


async def test_there_is_no_front_channel(bank: RunningService):
    """The authorization endpoint is published and answers 400, whatever it is asked."""
    for method in ("GET", "POST"):
        answer = await bank.http.request(method, "/authorize?response_type=code&client_id=till")
        assert refusal(answer) == (400, "unsupported_response_type")
    assert (await bank.http.delete("/authorize")).status_code == 405
