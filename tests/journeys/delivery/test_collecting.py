"""Collecting tokens: how often to ask, who may ask, and that it works once."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.names import DeliveryMode
from ciba_service.sca.messages import transaction_id
from ciba_service.stores.clients.configured import ConfiguredClients
from ciba_service.stores.keys import transaction_key
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone


@pytest.mark.clause("ciba-10.1-7", "ciba-11-2")
async def test_polling_too_early_lengthens_the_interval_for_good(
    service: RunningService, phone: WirePhone
):
    """Each early poll adds five seconds: after one, ten are asked for, after two, fifteen."""
    auth_req_id = await service.till.started()
    heard = []
    for pause in (0, 1, 9, 8, 14, 13):
        service.clock.advance(pause)
        heard.append((await service.till.poll(auth_req_id)).json()["error"])
    pending, early = "authorization_pending", "slow_down"
    assert heard == [pending, early, pending, early, pending, early]
    assert len(await phone.fetch()) == 1


@pytest.mark.clause("ciba-7.3-5")
async def test_polling_at_the_interval_is_never_too_early(
    service: RunningService, phone: WirePhone
):
    """The interval of the acknowledgement is the one that is enforced, from the first poll on."""
    answer = (await service.till.start()).json()
    assert answer["interval"] == 5
    for _ in range(5):
        heard = await service.till.poll(answer["auth_req_id"])
        assert heard.json()["error"] == "authorization_pending"
        service.clock.advance(answer["interval"])
    assert len(await phone.fetch()) == 1


@pytest.mark.parametrize(("verdict", "status"), [("approve", 200), ("deny", 400)])
async def test_decided_beats_too_early(
    service: RunningService, phone: WirePhone, verdict: str, status: int
):
    """A poll that comes too early learns the result all the same once there is one."""
    auth_req_id = await service.till.started()
    for _ in range(3):
        await service.till.poll(auth_req_id)
    (challenge,) = await phone.fetch()
    decision = phone.approval(challenge) if verdict == "approve" else phone.denial(challenge)
    await phone.decide(decision)
    assert (await service.till.poll(auth_req_id)).status_code == status


@pytest.mark.clause("ciba-10.1-1", "ciba-13-8")
async def test_a_poll_that_fails_authentication_is_no_poll(
    service: RunningService, phone: WirePhone
):
    """Each poll is authenticated, and one that is not changes nothing about the rate."""
    auth_req_id = await service.till.started()
    assertion = service.till.assertion()
    first = await service.till.poll(auth_req_id, client_assertion=assertion)
    assert first.json()["error"] == "authorization_pending"
    service.clock.advance(1)
    for bad in (assertion, service.till.assertion(iss="other-till"), "none"):
        refused = await service.till.poll(auth_req_id, client_assertion=bad)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    service.clock.advance(4)
    heard = await service.till.poll(auth_req_id)
    assert heard.json()["error"] == "authorization_pending"
    assert len(await phone.fetch()) == 1


@pytest.mark.clause("ciba-10.1.1-2", "rfc10027-6.1.3-1", "sca-art4-2")
async def test_tokens_are_collected_once(service: RunningService, phone: WirePhone):
    """A redeemed identifier is worth nothing, and keeps being worth nothing."""
    auth_req_id = await service.till.started()
    await phone.approve_next()
    assert (await service.till.poll(auth_req_id)).status_code == 200
    for _ in range(2):
        again = await service.till.poll(auth_req_id)
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.clause("ciba-10.1-8", "ciba-10.1.1-2")
async def test_of_fifty_collections_at_once_one_gets_tokens(
    service: RunningService, phone: WirePhone
):
    """However many requests overlap, one is answered with tokens and the rest invalid_grant."""
    auth_req_id = await service.till.started()
    await phone.approve_next()
    answers = await asyncio.gather(*(service.till.poll(auth_req_id) for _ in range(50)))
    outcomes = Counter(
        (answer.status_code, answer.json().get("error", "tokens")) for answer in answers
    )
    assert outcomes == {(200, "tokens"): 1, (400, "invalid_grant"): 49}


@pytest.mark.parametrize("state", ["pending", "approved", "denied", "expired", "redeemed"])
@pytest.mark.clause("ciba-10.1-2", "ciba-11-5", "ciba-11-9")
async def test_another_client_learns_nothing(service: RunningService, phone: WirePhone, state: str):
    """Whatever state a request is in, to another client it looks like one that never was."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    if state in {"approved", "redeemed"}:
        await phone.decide(phone.approval(challenge))
    if state == "redeemed":
        assert (await service.till.poll(auth_req_id)).status_code == 200
    if state == "denied":
        await phone.decide(phone.denial(challenge))
    if state == "expired":
        service.clock.advance(180)
    other = service.clients["other-till"]
    foreign, unknown = await other.poll(auth_req_id), await other.poll("A" * 43)
    assert foreign.json()["error"] == "invalid_grant"
    assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content)
    if state == "approved":
        assert (await service.till.poll(auth_req_id)).status_code == 200


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"auth_req_id": ""}, 400, "invalid_request"),
        ({"auth_req_id": "short"}, 400, "invalid_grant"),
        ({"auth_req_id": "é" * 43}, 400, "invalid_grant"),
    ],
    ids=["no grant_type", "other grant_type", "no auth_req_id", "short", "not ASCII"],
)
@pytest.mark.clause("ciba-10.1-3", "oidc-3.1.3.4-1")
async def test_malformed_token_requests(
    service: RunningService, form: dict[str, str], status: int, error: str
):
    """What is missing or misshapen is told to an authenticated client, and only to one."""
    request = {"auth_req_id": "A" * 43, **form}
    refused = await service.till.poll(**request)
    assert (refused.status_code, refused.json()["error"]) == (status, error)
    assert refused.headers["content-type"] == "application/json"
    assert refused.headers["cache-control"] == "no-store"
    stranger = await service.till.poll(**request, client_assertion="none")
    assert (stranger.status_code, stranger.json()["error"]) == (401, "invalid_client")


async def test_an_unknown_grant_type_is_named(service: RunningService):
    """A grant that is not offered is unsupported_grant_type, and spends the assertion."""
    form = {"grant_type": "password", **service.till.credentials()}
    first, second = [await service.till.post("/token", form) for _ in range(2)]
    assert first.json()["error"] == "unsupported_grant_type"
    assert second.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    "registered",
    [{"may_use_ciba": False}, {"delivery_mode": DeliveryMode.PUSH}],
    ids=["without the grant", "push"],
)
@pytest.mark.clause("rfc6749-5.2-2", "ciba-11-7")
async def test_a_client_that_may_not_collect_is_not_authorized(
    service: RunningService, monkeypatch: pytest.MonkeyPatch, registered: dict[str, object]
):
    """A registry may hold clients without the grant, and push clients: neither gets tokens here."""
    find = ConfiguredClients.find

    async def changed(self: ConfiguredClients, client_id: str) -> Client | None:
        client = await find(self, client_id)
        return None if client is None else replace(client, **registered)

    monkeypatch.setattr(ConfiguredClients, "find", changed)
    answer = await service.till.poll("A" * 43)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


@pytest.mark.parametrize("metadata", [{"enabled": False}, None], ids=["disabled", "unknown"])
async def test_a_client_that_is_not_registered_is_nobody(
    run_service: ServiceRunner, till: WireClient, metadata: dict[str, object] | None
):
    """A disabled client and one that never was get the same invalid_client."""
    ghost = WireClient("ghost", metadata=metadata or {})
    async with run_service(clients=[till] if metadata is None else [till, ghost]) as service:
        ghost.issuer, ghost.clock, ghost.http = service.issuer, service.clock, service.http
        answer = await ghost.poll("A" * 43)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_record_of_another_version_is_left_alone(
    run_service: ServiceRunner, till: WireClient
):
    """A request this version cannot read is answered 503, so that another process may serve it."""
    async with run_service(clients=[till]) as service:
        await service.enrolled_phone("alice")
        auth_req_id = await till.started()
        key = transaction_key(transaction_id(auth_req_id))
        await service.commands.call("HSET", key, "v", "99")
        answer = await till.poll(auth_req_id)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")


@pytest.mark.clause("sca-art5-3")
async def test_an_approval_of_another_challenge_is_not_redeemed(
    service: RunningService, phone: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """The link between approval and challenge is verified again before tokens are issued."""
    auth_req_id = await service.till.started()
    await phone.approve_next()
    monkeypatch.setattr("ciba_service.flow.granting.completion.challenge_hash", lambda _: "another")
    answer = await service.till.poll(auth_req_id)
    assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")
    monkeypatch.undo()
    assert (await service.till.poll(auth_req_id)).json()["error"] == "access_denied"
