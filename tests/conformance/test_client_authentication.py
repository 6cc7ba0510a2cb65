"""private_key_jwt over the wire, at both endpoints alike (CIBA 7.1, 10.1; OIDC Core 9)."""

from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from tests.conformance.refusals import assert_refused
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.unit.protocol.registrations import key_for, reused
from tests.wire.client import ASSERTION_TYPE, CIBA, WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import new_key, unsecured

PATHS = pytest.mark.parametrize("path", ["/bc-authorize", "/token"])


async def sent(
    client: WireClient, path: str, form: Mapping[str, str], **options: Any
) -> httpx2.Response:
    """Send a request that is right but for its authentication."""
    body = {"grant_type": CIBA, "auth_req_id": "a" * 43}
    if path == "/bc-authorize":
        body = {"request": client.request_object()}
    return await client.post(path, {**body, **form}, **options)


@pytest.mark.clause("ciba-4-6", "ciba-7.1-2", "fapi1-p1-5.2.2-1")
@pytest.mark.parametrize("suffix", ["", "/token", "/bc-authorize"])
async def test_client_assertion_with_iss_aud_succeeds(
    service: RunningService, phone: WirePhone, suffix: str
):
    """The issuer and both endpoints are audiences, at either endpoint, alone or in a list."""
    assert phone.device_id
    audience = f"{service.issuer}{suffix}"
    for aud in (audience, [audience], ["https://other.example", audience]):
        form = service.till.credentials(aud=aud)
        assert (await sent(service.till, "/bc-authorize", form)).status_code == 200
        form = service.till.credentials(aud=aud)
        assert_refused(await sent(service.till, "/token", form), 400, "invalid_grant")


@PATHS
@pytest.mark.clause("ciba-13-8", "rfc7523-3.2-1", "ciba-10.1-1", "rfc9700-2.5-1")
async def test_without_client_assertion_fails(service: RunningService, path: str):
    """A client_id alone is no authentication."""
    answer = await sent(service.till, path, {"client_id": "till"})
    assert_refused(answer, 401, "invalid_client")


@PATHS
@pytest.mark.clause("oidr-2-2", "fapi-ciba-7.10-1", "fapi-ciba-7.10-2")
async def test_client_assertion_signature_algorithm_is_rs256_fails(
    run_service: ServiceRunner, path: str
):
    """The registered key under RS256 is refused where PS256 was registered."""
    client = WireClient("till", alg="PS256", key=key_for("PS256"))
    async with run_service(clients=[client]):
        form = client.credentials(header={"alg": "RS256"}, key=reused(client.key, "RS256"))
        assert_refused(await sent(client, path, form), 401, "invalid_client")


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"aud": None}, marks=pytest.mark.clause("oidc-9-2"), id="no-aud"),
        pytest.param({"aud": "https://x"}, marks=pytest.mark.clause("oidc-9-2"), id="bad-aud"),
        pytest.param({"exp": None}, marks=pytest.mark.clause("oidc-9-4"), id="no-exp"),
        pytest.param({"jti": None}, marks=pytest.mark.clause("oidc-9-3"), id="no-jti"),
        pytest.param({"iss": None}, marks=pytest.mark.clause("oidc-9-1"), id="no-iss"),
        pytest.param({"sub": None}, marks=pytest.mark.clause("oidc-9-1"), id="no-sub"),
        pytest.param({"iss": "other-till"}, marks=pytest.mark.clause("oidc-9-1"), id="bad-iss"),
        pytest.param({"sub": "nobody"}, id="unknown-client"),
        pytest.param({"exp": 10**400, "iat": 1.5}, id="numbers-without-bounds"),
        pytest.param({"exp": 1}, marks=pytest.mark.clause("rfc7523-3-3"), id="expired"),
        pytest.param({"iat": 10**11}, id="iat-in-the-future"),
        pytest.param({"nbf": 10**11}, marks=pytest.mark.clause("rfc7523-3-4"), id="nbf"),
        pytest.param({"exp": 10**11}, marks=pytest.mark.clause("rfc7523-3-5"), id="exp-too-far"),
    ],
)
async def test_a_client_assertion_with_a_bad_claim_fails(
    service: RunningService, claims: dict[str, Any]
):
    """401 invalid_client, whichever claim it is, at both endpoints."""
    for path in ("/bc-authorize", "/token"):
        answer = await sent(service.till, path, service.till.credentials(**claims))
        assert_refused(answer, 401, "invalid_client")


@PATHS
@pytest.mark.clause("rfc7523-3-7", "fapi-ciba-7.10-3", "oidc-9-5")
async def test_a_client_assertion_of_somebody_else_fails(service: RunningService, path: str):
    """Unsecured, another client's key, another type, or no JWT at all."""
    till, other = service.till, service.clients["other-till"]
    for assertion in (
        unsecured({"iss": "till", "sub": "till", "aud": service.issuer, "exp": 10**10}),
        till.assertion(key=other.key),
        till.assertion(key=other.key, header={"kid": other.key.kid}),
        till.assertion(key=new_key(kid=str(till.key.kid))),
        till.assertion(header={"typ": "oauth-authz-req+jwt"}),
        till.request_object(),
        "x.y.z",
    ):
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        assert_refused(await sent(till, path, form), 401, "invalid_client")


@PATHS
@pytest.mark.clause("rfc7521-4.2-1", "fapi1-p1-5.2.2-19", "rfc6749-2.3-1", "ciba-4-13")
@pytest.mark.parametrize(
    "more",
    [
        {"client_id": "other-till"},
        {"client_secret": "secret"},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
    ],
    ids=["different-client-id", "a-second-method", "another-type"],
)
async def test_different_client_id_and_issuer_fails(
    service: RunningService, path: str, more: dict[str, str]
):
    """Two identities, two methods or a method that is not registered."""
    answer = await sent(service.till, path, {**service.till.credentials(), **more})
    assert_refused(answer, 401, "invalid_client")
    assert "www-authenticate" not in answer.headers


@PATHS
@pytest.mark.clause("rfc6749-5.2-1", "rfc6749-2.3-1")
async def test_the_authorization_header_is_answered_by_header(service: RunningService, path: str):
    """401 with a challenge, even beside a right assertion."""
    headers = {"authorization": "Basic dGlsbDpzZWNyZXQ="}
    for form in ({}, service.till.credentials()):
        answer = await sent(service.till, path, form, headers=headers)
        assert_refused(answer, 401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.clause("oidc-9-3", "rfc7523-3-6")
@pytest.mark.parametrize("first", ["/bc-authorize", "/token"])
@PATHS
async def test_a_client_assertion_is_used_once(
    service: RunningService, phone: WirePhone, first: str, path: str
):
    """Neither endpoint takes an assertion that either has seen."""
    assert phone.device_id
    form = service.till.credentials()
    assert (await sent(service.till, first, form)).status_code != 401
    assert_refused(await sent(service.till, path, form), 401, "invalid_client")


@pytest.mark.clause("oidc-9-3", "rfc7523-3-6")
@pytest.mark.parametrize(
    ("path", "form", "code"),
    [
        ("/bc-authorize", {"request": "malformed"}, "invalid_request"),
        ("/token", {"grant_type": "password"}, "unsupported_grant_type"),
        ("/token", {"auth_req_id": ""}, "invalid_request"),
    ],
)
async def test_a_malformed_request_spends_its_assertion(
    service: RunningService, path: str, form: dict[str, str], code: str
):
    """Whatever was wrong with the rest: the assertion has been seen."""
    credentials = service.till.credentials()
    assert_refused(await sent(service.till, path, {**credentials, **form}), 400, code)
    assert_refused(await sent(service.till, path, credentials), 401, "invalid_client")


async def test_another_clients_jti_is_not_in_the_way(service: RunningService):
    """A jti is unique for its client and not for all."""
    other = service.clients["other-till"]
    for client in (service.till, other):
        answer = await sent(client, "/token", client.credentials(jti="the-same"))
        assert_refused(answer, 400, "invalid_grant")


async def test_a_disabled_client_fails(run_service: ServiceRunner):
    """Its right assertion proves nothing any more."""
    client = WireClient("till", key=key_for("ES256"), metadata={"enabled": False})
    async with run_service(clients=[client]):
        assert_refused(await client.start(), 401, "invalid_client")
