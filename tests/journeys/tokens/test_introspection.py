"""A resource server asks about tokens, and learns of those for it alone (RFC 7662)."""

import re
from collections.abc import AsyncIterator

import pytest

from tests.journeys.deciding.test_payment import PAYMENT
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.dpop import WireDpop
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of, header_of, new_key, segment, sign
from tests.wire.tokens import (
    API,
    REFRESHING,
    granted,
    introspect,
    is_active,
    refresh,
    resource_server,
    revoke,
)

OTHER_API = "https://other-api.example"


@pytest.fixture(scope="module")
def shop() -> WireClient:
    """A client whose access tokens are JWTs."""
    return WireClient("shop", metadata=REFRESHING)


@pytest.fixture(scope="module")
def kiosk() -> WireClient:
    """A client whose access tokens say nothing by themselves."""
    return WireClient(
        "kiosk",
        key=new_key(kid="kiosk"),
        metadata={**REFRESHING, "access_token_format": "opaque"},
    )


@pytest.fixture(scope="module")
def api() -> WireClient:
    """The resource server that tokens are for."""
    return resource_server()


@pytest.fixture(scope="module")
def other_api() -> WireClient:
    """One that they are not for."""
    return resource_server("other-api", OTHER_API)


@pytest.fixture
async def bank(
    run_service: ServiceRunner,
    shop: WireClient,
    kiosk: WireClient,
    api: WireClient,
    other_api: WireClient,
) -> AsyncIterator[RunningService]:
    """A service with all of them."""
    sections = {"tokens": {"audience": API}}
    async with run_service(clients=[shop, kiosk, api, other_api], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


@pytest.mark.clause("rfc7662-2.2-1", "rfc9470-6-1")
@pytest.mark.parametrize("client", ["shop", "kiosk"], ids=["jwt", "opaque"])
async def test_an_active_token_is_described(
    bank: RunningService, alice: WirePhone, api: WireClient, client: str
):
    """With all that a JWT says, whatever its format; never to be cached."""
    tokens = await granted(bank.clients[client], alice, scope="openid profile")
    bank.clock.advance(10)
    answer = await introspect(api, tokens["access_token"])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    told, id_claims = answer.json(), claims_of(tokens["id_token"])
    assert len(told.pop("jti")) == 22
    assert re.fullmatch(r"[\w-]{43}", told.pop("challenge_hash"))
    assert told == {
        "active": True,
        "iss": bank.issuer,
        "sub": "alice",
        "aud": API,
        "client_id": client,
        "iat": bank.clock.now() - 10,
        "exp": bank.clock.now() + 290,
        "token_type": "Bearer",
        "scope": "openid profile",
        "auth_time": id_claims["auth_time"],
        "acr": id_claims["acr"],
        "amr": id_claims["amr"],
        "txn": id_claims["txn"],
    }


async def test_a_jwt_is_described_as_it_describes_itself(
    shop: WireClient, alice: WirePhone, api: WireClient
):
    """Member for member, but for what introspection adds."""
    tokens = await granted(shop, alice, authorization_details=[PAYMENT])
    told = (await introspect(api, tokens["access_token"])).json()
    assert told.pop("active") is True
    assert told.pop("token_type") == "Bearer"
    assert told == claims_of(tokens["access_token"])


@pytest.mark.clause("rfc9396-9.2-1")
@pytest.mark.parametrize("client", ["shop", "kiosk"], ids=["jwt", "opaque"])
async def test_the_payment_is_described(
    bank: RunningService, alice: WirePhone, api: WireClient, client: str
):
    """As a top-level array, exactly as it was approved."""
    tokens = await granted(bank.clients[client], alice, authorization_details=[PAYMENT])
    told = (await introspect(api, tokens["access_token"])).json()
    assert told["authorization_details"] == [PAYMENT]


@pytest.mark.clause("rfc9449-6.2-1")
async def test_a_bound_token_is_described_with_its_key(
    kiosk: WireClient, alice: WirePhone, api: WireClient
):
    """``cnf`` at top level, and the scheme that goes with it."""
    dpop = WireDpop()
    token = (await granted(kiosk, alice))["refresh_token"]
    for _ in range(2):  # the first answer is the nonce
        form = {"grant_type": "refresh_token", "refresh_token": token, **kiosk.credentials()}
        proof = dpop.proof("POST", f"{kiosk.issuer}/token", kiosk.now())
        answer = dpop.learn(await kiosk.post("/token", form, headers={"DPoP": proof}))
    told = (await introspect(api, answer.json()["access_token"])).json()
    assert (told["cnf"], told["token_type"]) == ({"jkt": dpop.jkt}, "DPoP")


@pytest.mark.clause("rfc7662-2.2-2", "rfc7662-4-1")
@pytest.mark.parametrize("client", ["shop", "kiosk"], ids=["jwt", "opaque"])
async def test_a_token_is_active_until_it_runs_out(
    bank: RunningService, alice: WirePhone, api: WireClient, client: str
):
    """On the second of ``exp`` it is inactive, and nothing more is said."""
    token = (await granted(bank.clients[client], alice))["access_token"]
    exp = (await introspect(api, token)).json()["exp"]
    bank.clock.advance(exp - 1 - bank.clock.now())
    assert await is_active(api, token)
    bank.clock.advance(1)
    assert not await is_active(api, token)


@pytest.mark.clause("rfc7662-2.2-2", "rfc7662-4-1", "fapi2-ms-6.2-1")
@pytest.mark.parametrize("caller", ["other-api", "shop", "kiosk"])
async def test_a_token_for_somebody_else_is_inactive(
    bank: RunningService, shop: WireClient, alice: WirePhone, api: WireClient, caller: str
):
    """To another resource server, to the client that has it, and to any other client."""
    token = (await granted(shop, alice))["access_token"]
    assert not await is_active(bank.clients[caller], token)
    assert await is_active(api, token)


@pytest.mark.clause("rfc7662-2.2-2", "rfc7662-4-1")
async def test_other_texts_are_inactive(shop: WireClient, alice: WirePhone, api: WireClient):
    """Unknown, forged, of another kind: each is one answer, and none is an error."""
    tokens = await granted(shop, alice)
    good, claims = tokens["access_token"], claims_of(tokens["access_token"])
    head, payload, signature = good.split(".")
    header = header_of(good)
    other_signature = signature[:-6] + ("A" if signature[-6] != "A" else "B") + signature[-5:]
    for text in (
        "x", "é", "a.b.c", "A" * 64, good + "A", good[:-1], good.upper(), "A" * 20_000,
        tokens["refresh_token"], tokens["id_token"],
        f"{head}.{payload}.{other_signature}",
        f"{head}.{segment({**claims, 'exp': claims['exp'] + 1})}.{signature}",
        sign(header, claims, new_key(kid=header["kid"])),
        f"{segment({'alg': 'none', 'typ': 'at+jwt'})}.{payload}.",
    ):  # fmt: skip
        assert not await is_active(api, text), text
    assert await is_active(api, good)


@pytest.mark.clause("rfc7662-2.2-2", "rfc7662-4-1", "rfc7009-2.1-3")
@pytest.mark.parametrize("client", ["shop", "kiosk"], ids=["jwt", "opaque"])
@pytest.mark.parametrize("revoked", ["access_token", "refresh_token"])
async def test_a_revoked_token_is_inactive(
    bank: RunningService, alice: WirePhone, api: WireClient, client: str, revoked: str
):
    """Also a JWT that has not run out, and when it was the refresh token that was given back."""
    owner = bank.clients[client]
    tokens = await granted(owner, alice)
    assert await is_active(api, tokens["access_token"])
    assert (await revoke(owner, tokens[revoked])).status_code == 200
    assert not await is_active(api, tokens["access_token"])


@pytest.mark.parametrize("is_enabled", [False, True])
async def test_a_disabled_users_tokens_are_inactive(
    run_service: ServiceRunner, shop: WireClient, api: WireClient, *, is_enabled: bool
):
    """As soon as a restart has found the account disabled."""
    sections = {"tokens": {"audience": API}}
    async with run_service(clients=[shop, api], sections=sections) as service:
        token = (await granted(shop, await service.enrolled_phone("alice")))["access_token"]
    users = ({"sub": "alice", "enabled": is_enabled},)
    async with run_service(clients=[shop, api], users=users, sections=sections):
        assert await is_active(api, token) is is_enabled


@pytest.mark.clause("rfc7662-2.1-1", "rfc7662-2.3-1")
async def test_the_caller_must_authenticate(shop: WireClient, alice: WirePhone, api: WireClient):
    """Without credentials, with those of before, with a token for a password: 401, always."""
    token = (await granted(shop, alice))["access_token"]
    used = api.assertion()
    assert (await introspect(api, token, client_assertion=used)).status_code == 200
    bearer = {"authorization": f"Bearer {token}"}
    for answer in (
        await api.post("/introspect", {"token": token}),
        await api.post("/introspect", {"token": token}, headers=bearer),
        await introspect(api, token, client_assertion=used),
        await introspect(api, token, client_assertion=api.assertion(iss="shop", sub="shop")),
        await introspect(api, "", client_assertion="none"),
    ):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert "active" not in answer.json()


async def test_the_endpoint_is_named_as_audience_or_the_issuer_is(
    shop: WireClient, alice: WirePhone, api: WireClient
):
    """As at the other endpoints of the profile."""
    token = (await granted(shop, alice))["access_token"]
    for audience in (api.issuer, f"{api.issuer}/introspect"):
        answer = await introspect(api, token, client_assertion=api.assertion(aud=audience))
        assert answer.json()["active"]


async def test_a_question_without_a_token_is_malformed(bank: RunningService, api: WireClient):
    """400 for an authenticated caller, who has spent its assertion; only POST is answered."""
    used = api.assertion()
    empty = await introspect(api, "", client_assertion=used)
    assert (empty.status_code, empty.json()["error"]) == (400, "invalid_request")
    assert (await introspect(api, "x", client_assertion=used)).status_code == 401
    wrong = await bank.http.get("/introspect?token=x")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")


async def test_a_hint_changes_nothing(shop: WireClient, alice: WirePhone, api: WireClient):
    """Whatever type is said to be presented, the token is found."""
    token = (await granted(shop, alice))["access_token"]
    for hint in ("access_token", "refresh_token", "no such"):
        answer = await introspect(api, token, token_type_hint=hint)
        assert answer.json()["active"]


async def test_a_resource_server_gets_no_tokens(api: WireClient, alice: WirePhone):
    """It registered no grant: it can start nothing and collect nothing."""
    for answer in (await api.start(), await api.poll("A" * 43), await refresh(api, "A" * 64)):
        assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    assert await alice.fetch() == []
