"""Tokens bound to a DPoP key: asked for, refused, and never issued without it (RFC 9449)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import CIBA, WireClient
from tests.wire.dpop import WireDpop
from tests.wire.phone import WirePhone
from tests.wire.resource import Holder
from tests.wire.signing import claims_of

BOUND = {"profile": "fapi2-ciba", "dpop_bound_access_tokens": True}


@pytest.fixture(scope="module")
def speaker() -> WireClient:
    """A client of FAPI 2.0 whose tokens must be bound."""
    return WireClient("speaker", metadata=BOUND)


@pytest.fixture
async def bank(run_service: ServiceRunner, speaker: WireClient) -> AsyncIterator[RunningService]:
    """A service with that client and one that need not be bound."""
    async with run_service(clients=[speaker, WireClient("till")]) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


async def poll(
    client: WireClient, dpop: WireDpop, auth_req_id: str, **changed: Any
) -> httpx2.Response:
    """A token request with a proof, but for what is changed in the proof."""
    form = {"grant_type": CIBA, "auth_req_id": auth_req_id, **client.credentials()}
    proof = dpop.proof("POST", f"{client.issuer}/token", client.now(), **changed)
    return dpop.learn(await client.post("/token", form, headers={"DPoP": proof}))


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code."""
    return answer.status_code, answer.json()["error"]


@pytest.mark.clause(
    "rfc9449-5-1", "rfc9449-5-2", "rfc9449-6.1-1", "rfc9449-8-1",
    "fapi2-sp-5.3.2.1-10", "rfc9700-2.2.1-1",
)  # fmt: skip
async def test_a_token_is_bound_to_the_key(
    bank: RunningService, speaker: WireClient, alice: WirePhone
):
    """The server hands out a nonce, the next proof has it, and the token names the key."""
    dpop = WireDpop()
    auth_req_id = await speaker.started()
    assert refusal(await poll(speaker, dpop, auth_req_id)) == (400, "use_dpop_nonce")
    assert dpop.nonce is not None
    pending = await poll(speaker, dpop, auth_req_id)
    assert refusal(pending) == (400, "authorization_pending")
    await alice.approve_next()
    tokens = (await poll(speaker, dpop, auth_req_id)).json()
    assert tokens["token_type"] == "DPoP"
    assert claims_of(tokens["access_token"])["cnf"] == {"jkt": dpop.jkt}
    assert bank.telemetry.failures == []


@pytest.mark.clause("rfc9449-8.2-1", "rfc9449-8-2")
async def test_every_answer_to_a_proof_brings_the_nonce(speaker: WireClient, alice: WirePhone):
    """Pending, refused and answered alike, and once, so that the next proof is never stale."""
    dpop = WireDpop()
    auth_req_id = await speaker.started()
    answers = [await poll(speaker, dpop, auth_req_id) for _ in range(2)]
    answers.append(await poll(speaker, dpop, auth_req_id, htm="GET"))
    await alice.approve_next()
    answers += [await poll(speaker, dpop, auth_req_id) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [400, 400, 400, 200, 400]
    nonces = [answer.headers.get_list("dpop-nonce") for answer in answers]
    assert nonces == [[dpop.nonce]] * len(answers)
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}


@pytest.mark.clause("fapi2-sp-5.3.2.1-4")
async def test_whoever_must_be_bound_is_told_nothing_without_a_proof(
    bank: RunningService, speaker: WireClient, alice: WirePhone
):
    """Pending or approved, a token request without a proof is refused, and nothing is spent."""
    dpop = WireDpop()
    auth_req_id = await speaker.started()
    assert refusal(await speaker.poll(auth_req_id)) == (400, "invalid_dpop_proof")
    await alice.approve_next()
    assert refusal(await speaker.poll(auth_req_id)) == (400, "invalid_dpop_proof")
    await poll(speaker, dpop, auth_req_id)
    assert (await poll(speaker, dpop, auth_req_id)).status_code == 200
    assert bank.telemetry.failures == []


@pytest.mark.clause("rfc9449-8-4")
async def test_a_proof_that_does_not_count_is_no_poll(speaker: WireClient, alice: WirePhone):
    """Neither a missing nonce nor a wrong proof makes the next right request too early."""
    dpop = WireDpop()
    auth_req_id = await speaker.started()
    for _ in range(3):
        assert refusal(await poll(speaker, WireDpop(), auth_req_id))[1] == "use_dpop_nonce"
    await poll(speaker, dpop, auth_req_id)
    assert refusal(await poll(speaker, dpop, auth_req_id, htm="GET"))[1] == "invalid_dpop_proof"
    pending = await poll(speaker, dpop, auth_req_id)
    assert refusal(pending) == (400, "authorization_pending")
    await alice.approve_next()
    assert refusal(await poll(speaker, WireDpop(), auth_req_id))[1] == "use_dpop_nonce"
    assert (await poll(speaker, dpop, auth_req_id)).status_code == 200


@pytest.mark.clause("rfc9449-11.1-2")
async def test_a_proof_is_good_once(speaker: WireClient, alice: WirePhone):
    """The same proof again is refused, and the request it came with is no poll."""
    dpop = WireDpop()
    auth_req_id = await speaker.started()
    await poll(speaker, dpop, auth_req_id)
    assert refusal(await poll(speaker, dpop, auth_req_id, jti="once"))[1] == "authorization_pending"
    await alice.approve_next()
    again = await poll(speaker, dpop, auth_req_id, jti="once")
    assert refusal(again) == (400, "invalid_dpop_proof")
    assert (await poll(speaker, dpop, auth_req_id, jti="twice")).status_code == 200


@pytest.mark.usefixtures("alice")
async def test_who_asks_is_told_before_what_is_wrong_with_the_proof(speaker: WireClient):
    """With a used assertion and a wrong proof the answer is about the assertion."""
    credentials = speaker.credentials()
    form = {"grant_type": CIBA, "auth_req_id": await speaker.started(), **credentials}
    proof = WireDpop().proof("GET", f"{speaker.issuer}/token", speaker.now())
    first = await speaker.post("/token", form, headers={"DPoP": proof})
    second = await speaker.post("/token", form, headers={"DPoP": proof})
    assert refusal(first) == (400, "invalid_dpop_proof")
    assert refusal(second) == (401, "invalid_client")


@pytest.mark.usefixtures("alice")
async def test_several_proofs_are_none(speaker: WireClient):
    """RFC 9449 4.3 (1): exactly one header."""
    dpop = WireDpop()
    form = {"grant_type": CIBA, "auth_req_id": await speaker.started(), **speaker.credentials()}
    proofs = [dpop.proof("POST", f"{speaker.issuer}/token", speaker.now()) for _ in range(2)]
    answer = await speaker.post("/token", form, headers=[("DPoP", proof) for proof in proofs])
    assert refusal(answer) == (400, "invalid_dpop_proof")


async def test_a_proof_binds_whoever_shows_one(bank: RunningService, alice: WirePhone):
    """A client that need not be bound gets a bound token for a proof, and else a bearer token."""
    dpop = WireDpop()
    for expected in ("DPoP", "Bearer"):
        auth_req_id = await bank.till.started()
        await alice.approve_next()
        if expected == "DPoP":
            await poll(bank.till, dpop, auth_req_id)
            tokens = (await poll(bank.till, dpop, auth_req_id)).json()
        else:
            tokens = (await bank.till.poll(auth_req_id)).json()
        assert tokens["token_type"] == expected
        assert ("cnf" in claims_of(tokens["access_token"])) == (expected == "DPoP")


async def test_without_nonces_a_proof_is_good_at_once(run_service: ServiceRunner):
    """An operator may do without them; the freshness of ``iat`` and the replay record remain."""
    client = WireClient("speaker", metadata=BOUND)
    sections = {"tokens": {"require_dpop_nonce": False}}
    async with run_service(clients=[client], sections=sections) as service:
        alice, dpop = await service.enrolled_phone("alice"), WireDpop()
        auth_req_id = await client.started()
        answer = await poll(client, dpop, auth_req_id)
        assert refusal(answer) == (400, "authorization_pending")
        await alice.approve_next()
        tokens = (await poll(client, dpop, auth_req_id)).json()
        bound = Holder(service, tokens["access_token"], dpop)
        assert (await bound.call("GET", "/userinfo")).status_code == 200
        assert dpop.nonce is None
