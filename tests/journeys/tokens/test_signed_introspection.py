"""A resource server has the answer about a token signed, to show it to others (RFC 9701)."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.signing import claims_of, header_of, new_key
from tests.wire.tokens import API, granted, introspect, resource_server

JWT = "application/token-introspection+jwt"


@pytest.fixture(scope="module")
def shop() -> WireClient:
    """A client whose tokens are asked about."""
    return WireClient("shop")


@pytest.fixture(scope="module")
def api() -> WireClient:
    """A resource server that wants PS256."""
    return resource_server("api", API, introspection_signed_response_alg="PS256")


@pytest.fixture(scope="module")
def other_api() -> WireClient:
    """A resource server for other tokens, which does not say what it wants."""
    return resource_server("other-api", "https://other-api.example")


@pytest.fixture
async def bank(
    run_service: ServiceRunner, shop: WireClient, api: WireClient, other_api: WireClient
) -> AsyncIterator[RunningService]:
    """A service with all of them."""
    sections = {"tokens": {"audience": API}}
    async with run_service(clients=[shop, api, other_api], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def token(bank: RunningService, shop: WireClient) -> str:
    """An access token for the first resource server."""
    phone = await bank.enrolled_phone("alice")
    return str((await granted(shop, phone))["access_token"])


async def ask(client: WireClient, token: str, accept: str = JWT, **form: str) -> httpx2.Response:
    """A question whose answer is to be signed."""
    sent = {"token": token, **client.credentials(), **form}
    return await client.post("/introspect", sent, headers={"Accept": accept})


@pytest.mark.clause("rfc9701-4-2", "rfc9701-5-1", "rfc9701-5-2", "rfc9701-5-3", "rfc9701-6-1")
async def test_the_answer_is_a_jwt_for_whoever_asks(
    bank: RunningService, api: WireClient, token: str
):
    """Typed, signed as registered, about the same as the plain answer, and no access token."""
    plain = (await introspect(api, token)).json()
    answer = await ask(api, token)
    assert (answer.status_code, answer.headers["content-type"]) == (200, JWT)
    assert answer.headers["cache-control"] == "no-store"
    assert header_of(answer.text)["typ"] == "token-introspection+jwt"
    assert header_of(answer.text)["alg"] == "PS256"
    jwks = KeySet.import_key_set((await bank.http.get("/jwks")).json())
    jws.deserialize_compact(answer.text, jwks, algorithms=["PS256"])
    assert claims_of(answer.text) == {
        "iss": bank.issuer,
        "aud": "api",
        "iat": bank.clock.now(),
        "token_introspection": plain,
    }
    assert plain["active"] is True


@pytest.mark.clause("rfc9701-5-2")
async def test_a_token_for_another_is_inactive_in_a_jwt_too(
    bank: RunningService, other_api: WireClient, token: str
):
    """Nothing but that it is inactive; signed with the preferred algorithm."""
    for text in (token, "no token"):
        answer = await ask(other_api, text)
        assert header_of(answer.text)["alg"] == "ES256"
        claims = claims_of(answer.text)
        assert claims == {
            "iss": bank.issuer,
            "aud": "other-api",
            "iat": bank.clock.now(),
            "token_introspection": {"active": False},
        }


@pytest.mark.clause("rfc9701-4-1")
async def test_nobody_else_gets_one(api: WireClient, token: str):
    """Without client authentication the answer is an error, in JSON."""
    answer = await ask(api, token, client_assertion="forged")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/jwt", "application/json"),
        (f"application/json;q=0.5, {JWT.upper()} ; q=1", JWT),
        (f"{JWT};q=0.001", JWT),
        (f"*/*, {JWT};q=0", "application/json"),
        (f"application/json, {JWT} ; Q=0.000", "application/json"),
    ],
)
async def test_only_who_asks_for_it_gets_it(
    api: WireClient, token: str, accept: str, media_type: str
):
    """Plain JSON otherwise."""
    answer = await ask(api, token, accept)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)


@pytest.mark.clause("rfc9701-8.1-1")
async def test_an_answer_is_no_access_token(bank: RunningService, api: WireClient, token: str):
    """Presented as one, it is invalid, at resources and at introspection."""
    answer = (await ask(api, token)).text
    refused = await bank.http.get("/userinfo", headers={"Authorization": f"Bearer {answer}"})
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    assert (await introspect(api, answer)).json() == {"active": False}


@pytest.mark.clause("rfc9701-7-1")
async def test_the_algorithms_are_published_where_there_are_resource_servers(
    bank: RunningService, run_service: ServiceRunner
):
    """introspection_signing_alg_values_supported says what can be registered."""
    document = (await bank.http.get("/.well-known/openid-configuration")).json()
    offered = document["introspection_signing_alg_values_supported"]
    assert offered == document["id_token_signing_alg_values_supported"]
    async with run_service(clients=[WireClient("till", key=new_key())]) as alone:
        other = (await alone.http.get("/.well-known/openid-configuration")).json()
    assert "introspection_signing_alg_values_supported" not in other
