"""A client asks about the user with its access token (OpenID Connect Core 5.3, RFC 6750)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from ciba_service.protocol.tokens.token_text import transaction_of
from ciba_service.stores.keys import grant_key
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.dpop import WireDpop
from tests.wire.phone import WirePhone
from tests.wire.signing import new_key
from tests.wire.tokens import API, REFRESHING, USERS, granted, refresh, revoke, userinfo


@pytest.fixture(scope="module")
def shop() -> WireClient:
    """A client that may ask for claims."""
    return WireClient("shop", metadata={**REFRESHING, "scope": "openid profile email"})


@pytest.fixture
async def bank(run_service: ServiceRunner, shop: WireClient) -> AsyncIterator[RunningService]:
    """A service that knows something about Alice."""
    async with run_service(clients=[shop], users=USERS) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


def challenges(answer: httpx2.Response) -> list[str]:
    """What the resource asks for, in its order."""
    return answer.headers.get_list("www-authenticate")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_scope_decides_what_is_told(
    bank: RunningService, shop: WireClient, alice: WirePhone, method: str
):
    """Always the subject of the ID token; a narrowed access token tells less."""
    tokens = await granted(shop, alice, scope="openid profile email")
    answer = await userinfo(bank, tokens["access_token"], method=method)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "sub": "alice",
        "name": "Alice Example",
        "email": "alice@example.org",
        "email_verified": True,
    }
    narrow = (await refresh(shop, tokens["refresh_token"], scope="openid profile")).json()
    told = (await userinfo(bank, narrow["access_token"], method=method)).json()
    assert told == {"sub": "alice", "name": "Alice Example"}


@pytest.mark.clause("rfc6750-3.1-1")
async def test_without_openid_the_scope_is_insufficient(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """403, and the challenge names the scope."""
    tokens = await granted(shop, alice, scope="openid profile")
    narrow = (await refresh(shop, tokens["refresh_token"], scope="profile")).json()
    answer = await userinfo(bank, narrow["access_token"])
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    (bearer, _) = challenges(answer)
    assert bearer.startswith('Bearer error="insufficient_scope"')
    assert bearer.endswith('scope="openid"')


@pytest.mark.clause("rfc6750-3-1")
@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic abc"}])
async def test_without_a_token_both_schemes_are_asked_for(
    bank: RunningService, headers: dict[str, str]
):
    """401 without an error in the challenge."""
    answer = await bank.http.get("/userinfo", headers=headers)
    assert answer.status_code == 401
    bearer, dpop = challenges(answer)
    assert bearer == "Bearer"
    assert dpop == 'DPoP algs="ES256 EdDSA PS256"'


@pytest.mark.clause("rfc6750-3.1-1", "fapi1-p1-6.2.1-4", "fapi2-sp-5.3.4-3")
async def test_a_token_that_is_not_alive_is_invalid(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """Unknown, of another kind, revoked, run out: 401 invalid_token."""
    revoked, expired = await granted(shop, alice), await granted(shop, alice)
    assert (await userinfo(bank, revoked["access_token"])).status_code == 200
    await revoke(shop, revoked["access_token"])
    texts = ["A" * 64, "a.b.c", expired["refresh_token"], expired["id_token"]]
    answers = [await userinfo(bank, text) for text in [*texts, revoked["access_token"]]]
    assert (await userinfo(bank, expired["access_token"])).status_code == 200
    bank.clock.advance(300)
    answers.append(await userinfo(bank, expired["access_token"]))
    for answer in answers:
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
        assert challenges(answer)[0].startswith('Bearer error="invalid_token"')


@pytest.mark.clause("rfc6750-3.1-1")
async def test_a_malformed_presentation_is_an_invalid_request(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """400 for two headers, and for a token of other characters."""
    token = (await granted(shop, alice))["access_token"]
    twice = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    odd = [("authorization", "Bearer a b")]
    for headers in (twice, odd):
        answer = await bank.http.get("/userinfo", headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.clause("rfc6750-2-1", "fapi1-p1-6.2.1-2", "fapi2-sp-5.3.4-2")
@pytest.mark.parametrize("place", ["query", "form"])
@pytest.mark.parametrize("in_header", [True, False])
async def test_a_token_is_taken_from_the_header_only(
    bank: RunningService, shop: WireClient, alice: WirePhone, place: str, *, in_header: bool
):
    """In the query or in the form it is refused with 400, whether it is in the header or not."""
    token = (await granted(shop, alice))["access_token"]
    options: dict[str, Any] = {"params": {"access_token": token}}
    if place == "form":
        options = {"data": {"access_token": token}}
    headers = {"authorization": f"Bearer {token}"} if in_header else {}
    answer = await bank.http.request("POST", "/userinfo", headers=headers, **options)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    form = await bank.http.post("/userinfo", data={"other": "x"}, headers=headers)
    assert form.status_code == (200 if in_header else 401)


async def test_a_body_that_is_no_form_is_refused(bank: RunningService):
    """Without a look at the token; what is not read to its end ends the connection."""
    headers = {"authorization": "Bearer x"}
    for body, type_, status, connection in (
        (b"{}", "application/json", 400, "close"),
        (b"a=" + b"b" * 70_000, "application/x-www-form-urlencoded", 413, "close"),
        (b"a=%", "application/x-www-form-urlencoded", 400, None),
    ):
        answer = await bank.http.post(
            "/userinfo", content=body, headers={**headers, "content-type": type_}
        )
        assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request")
        assert answer.headers.get("connection") == connection


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("type_", ["application/json", "text/plain; charset=utf-8", ""])
async def test_the_type_of_no_body_does_not_matter(
    bank: RunningService, shop: WireClient, alice: WirePhone, method: str, type_: str
):
    """Some clients name one with every request, also where they send nothing."""
    token = (await granted(shop, alice))["access_token"]
    headers = {"authorization": f"Bearer {token}", "content-type": type_}
    answer = await bank.http.request(method, "/userinfo", headers=headers)
    assert (answer.status_code, answer.json()["sub"]) == (200, "alice")


async def test_another_method_is_not_allowed(bank: RunningService):
    """405 with what is."""
    answer = await bank.http.put("/userinfo", content=b"")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


# Two services in turn have two issuers, but a resource of one name.
SAME_AUDIENCE = {"tokens": {"audience": API}}


@pytest.mark.parametrize("is_enabled", [False, True])
async def test_nothing_is_told_about_a_disabled_user(
    run_service: ServiceRunner, shop: WireClient, *, is_enabled: bool
):
    """The account gate stands here, too."""
    async with run_service(clients=[shop], sections=SAME_AUDIENCE) as service:
        token = (await granted(shop, await service.enrolled_phone("alice")))["access_token"]
    users = ({"sub": "alice", "enabled": is_enabled},)
    async with run_service(clients=[shop], users=users, sections=SAME_AUDIENCE) as service:
        answer = await userinfo(service, token)
        assert answer.status_code == (200 if is_enabled else 401)


async def test_a_user_who_has_gone_is_nobody(run_service: ServiceRunner, shop: WireClient):
    """Not in the directory any more: the token is not valid."""
    async with run_service(clients=[shop], sections=SAME_AUDIENCE) as service:
        token = (await granted(shop, await service.enrolled_phone("alice")))["access_token"]
    users = ({"sub": "bob"},)
    async with run_service(clients=[shop], users=users, sections=SAME_AUDIENCE) as service:
        assert (await userinfo(service, token)).json()["error"] == "invalid_token"
        assert service.telemetry.named("request_refused")[-1].fields["reason"] == "over or ended"


class BoundToken:
    """An access token bound to a key, and the key."""

    def __init__(self, service: RunningService, text: str, dpop: WireDpop) -> None:
        self.service, self.text, self.dpop = service, text, dpop

    async def present(self, *, dpop: WireDpop | None = None, **changed: Any) -> httpx2.Response:
        """Ask with a proof; ``changed`` bends it."""
        dpop = dpop or self.dpop
        url = f"{self.service.issuer}/userinfo"
        proof = dpop.proof("GET", url, self.service.clock.now(), access_token=self.text, **changed)
        return await self.present_with(proof, dpop)

    async def present_with(self, proof: str | None, dpop: WireDpop) -> httpx2.Response:
        """Ask with this proof, or none."""
        headers = {"authorization": f"DPoP {self.text}"}
        if proof is not None:
            headers["dpop"] = proof
        return dpop.learn(await self.service.http.get("/userinfo", headers=headers))


@pytest.fixture
async def bound(bank: RunningService, shop: WireClient, alice: WirePhone) -> BoundToken:
    """A bound token, and a key whose nonce is fresh."""
    dpop, token = WireDpop(), (await granted(shop, alice))["refresh_token"]
    for _ in range(2):  # the first answer is the nonce
        form = {"grant_type": "refresh_token", "refresh_token": token, **shop.credentials()}
        proof = dpop.proof("POST", f"{shop.issuer}/token", shop.now())
        answer = dpop.learn(await shop.post("/token", form, headers={"DPoP": proof}))
    return BoundToken(bank, answer.json()["access_token"], dpop)


async def test_a_bound_token_is_presented_with_its_key(bound: BoundToken):
    """Each proof once; the answer brings the nonce for the next."""
    answer = await bound.present()
    assert (answer.status_code, answer.json()["sub"]) == (200, "alice")
    assert answer.headers["dpop-nonce"] == bound.dpop.nonce
    assert (await bound.present()).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"authorization": "dpop x"}, {"authorization": "Bearer x", "dpop": "x"}],
    ids=["scheme", "proof"],
)
async def test_whoever_uses_dpop_is_told_the_nonce(bank: RunningService, headers: dict[str, str]):
    """By the scheme, or by a proof: what is wrong stands in the challenge of DPoP (RFC 9449 9).

    It is the first: some clients look no further.
    """
    answer = await bank.http.get("/userinfo", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["dpop-nonce"]
    dpop, bearer = challenges(answer)
    assert bearer == "Bearer"
    assert dpop.startswith(f'DPoP error="{answer.json()["error"]}"')


async def test_whoever_uses_no_dpop_is_told_no_nonce(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """It is for the next proof, and there will be none (RFC 9449 8.2)."""
    good = await userinfo(bank, (await granted(shop, alice))["access_token"])
    wrong = await userinfo(bank, "wrong")
    assert [good.status_code, wrong.status_code] == [200, 401]
    for answer in (good, wrong):
        assert "dpop-nonce" not in answer.headers
    bearer, dpop = challenges(wrong)
    assert bearer.startswith('Bearer error="invalid_token"')
    assert dpop == 'DPoP algs="ES256 EdDSA PS256"'


async def test_a_bound_token_is_nothing_to_whoever_copies_it(bound: BoundToken):
    """As a bearer token, with another key, without a proof, with a proof used before."""
    stolen = await userinfo(bound.service, bound.text)
    assert (stolen.status_code, stolen.json()["error"]) == (401, "invalid_token")
    thief = WireDpop(key=new_key(kid="thief"), nonce=bound.dpop.nonce)
    foreign = await bound.present(dpop=thief)
    assert (foreign.status_code, foreign.json()["error"]) == (401, "invalid_token")
    bare = await bound.present_with(None, bound.dpop)
    assert (bare.status_code, bare.json()["error"]) == (401, "invalid_dpop_proof")
    url, now = f"{bound.service.issuer}/userinfo", bound.service.clock.now()
    proof = bound.dpop.proof("GET", url, now, access_token=bound.text)
    assert (await bound.present_with(proof, bound.dpop)).status_code == 200
    again = await bound.present_with(proof, bound.dpop)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_dpop_proof")
    for answer in (foreign, bare, again):
        dpop, bearer = challenges(answer)
        assert bearer == "Bearer"
        assert dpop.startswith(f'DPoP error="{answer.json()["error"]}"')


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"ath": "A" * 43}, "invalid_dpop_proof"),
        ({"ath": None}, "invalid_dpop_proof"),
        ({"htm": "POST"}, "invalid_dpop_proof"),
        ({"htu": "https://elsewhere.example/userinfo"}, "invalid_dpop_proof"),
        ({"nonce": None}, "use_dpop_nonce"),
        ({"nonce": "old"}, "use_dpop_nonce"),
    ],
)
async def test_a_proof_is_about_this_token_and_this_request(
    bound: BoundToken, changed: dict[str, Any], error: str
):
    """Otherwise 401 in the terms of DPoP, with the nonce to use."""
    answer = await bound.present(**changed)
    assert (answer.status_code, answer.json()["error"]) == (401, error)
    assert challenges(answer)[0].startswith(f'DPoP error="{error}"')
    assert answer.headers["dpop-nonce"]


async def test_a_bearer_token_is_not_taken_as_bound(
    bank: RunningService, shop: WireClient, alice: WirePhone
):
    """Presented with DPoP it is somebody's mistake."""
    token = (await granted(shop, alice))["access_token"]
    answer = await userinfo(bank, token, scheme="DPoP")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


async def test_a_store_that_cannot_answer_is_503(run_service: ServiceRunner, shop: WireClient):
    """Nobody is refused for what is not known."""
    async with run_service(clients=[shop]) as service:
        token = (await granted(shop, await service.enrolled_phone("alice")))["access_token"]
        await service.commands.call("HSET", grant_key(transaction_of(token) or ""), "v", "99")
        answer = await userinfo(service, token)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "1"
