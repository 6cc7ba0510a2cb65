"""A service that waits for its replicas: 503 while one lags, and the stored outcome afterwards."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx2
import pytest

from ciba_service.ports import StoreUnavailable
from ciba_service.sca.messages import transaction_id
from ciba_service.sca.phones.devices import user_tag
from tests.redis.replicated import Replicated, frozen, replicated_directly
from tests.services.running_service import RunningService, running_service
from tests.wire.client import WireClient

STORE = {"deadline_ms": 1500, "wait_for_replicas": 1, "wait_for_replicas_ms": 300}
WAITS = "ciba_store_replica_wait_duration_seconds_count"


@pytest.fixture
def servers() -> Iterator[Replicated]:
    """A master with one replica."""
    with replicated_directly() as running:
        yield running


@pytest.fixture
async def bank(
    servers: Replicated, till: WireClient, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningService]:
    """A service that waits for the replica."""
    url = f"redis://127.0.0.1:{servers.master.addresses[0].port}"
    sections = {"store": {**STORE, "url": url}, "metrics": {"port": 9464}}
    keys = tmp_path_factory.getbasetemp() / "keys"
    async with running_service(servers.master, keys, clients=[till], sections=sections) as running:
        yield running


@contextmanager
def lagging(servers: Replicated) -> Iterator[None]:
    """Nothing reaches the replica."""
    with frozen(servers.replica):
        yield


async def state(bank: RunningService, auth_req_id: str) -> str:
    """How the master has the transaction."""
    name = transaction_id(auth_req_id)
    found = await bank.service.stores.transactions.read(name, now=bank.clock.now_ms())
    assert found is not None
    return found.state.value


async def test_a_decision_counts_once_a_replica_has_it(
    bank: RunningService, servers: Replicated, till: WireClient
):
    """The phone is told to come again, also when the master has it already; then it is accepted."""
    phone = await bank.enrolled_phone("alice")
    await till.cancel(await till.started())  # So that Redis knows the script.
    auth_req_id = await till.started()
    challenge = (await phone.fetch())[-1]
    denial = phone.denial(challenge)
    async with phone.online() as socket:
        with lagging(servers):
            for _ in range(2):
                outcome = await socket.decide(denial)
                assert (outcome["type"], outcome["reason"]) == ("refused", "unavailable")
                assert await state(bank, auth_req_id) == "denied"
        outcome = await socket.decide(denial)
        assert (outcome["type"], outcome["verdict"]) == ("accepted", "deny")
    answer = await till.poll(auth_req_id)
    assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")
    assert bank.service.metrics_app is not None
    transport = httpx2.ASGITransport(bank.service.metrics_app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://metrics") as scraper:
        text = (await scraper.get("/metrics")).text
    for name in ("acknowledged", "short"):
        count = text.partition(f'{WAITS}{{outcome="{name}"}} ')[2].split()[0]
        assert float(count) > 0


async def test_an_attempt_is_counted_before_anybody_hears_of_it(
    bank: RunningService, servers: Replicated, till: WireClient
):
    """A wrong PIN is evaluated only once its attempt is safe, and counts once."""
    phone = await bank.enrolled_phone("alice")
    await till.started()
    (challenge,) = await phone.fetch()
    wrong = phone.approval(challenge, pin=False)
    async with phone.online() as socket:
        with lagging(servers):
            assert (await socket.decide(wrong))["reason"] == "unavailable"
        outcome = await socket.decide(wrong)
        assert (outcome["reason"], outcome["attempts_left"]) == ("factors", 4)
        assert (await socket.decide(wrong))["attempts_left"] == 4
    assert await bank.service.stores.attempts.used(user_tag("alice")) == 1


async def test_clients_come_again_and_get_what_is_theirs(
    bank: RunningService, servers: Replicated, till: WireClient
):
    """Requests and redemptions are 503 with Retry-After; what was asked again is answered once."""
    phone = await bank.enrolled_phone("alice")
    auth_req_id = await till.started()
    await phone.approve_next()
    with lagging(servers):
        for answer in (await till.start(), await till.poll(auth_req_id)):
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert answer.json()["error"] == "temporarily_unavailable"
        assert await state(bank, auth_req_id) == "approved"
        ready = await bank.http.get("/readyz")
        assert (ready.status_code, ready.json()["missing"]) == (503, "replicas")
    assert (await bank.http.get("/readyz")).status_code == 200
    answer = await till.poll(auth_req_id)
    assert (answer.status_code, "access_token" in answer.json()) == (200, True)
    answer = await till.poll(auth_req_id)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_redemption_that_would_be_in_doubt_is_not_begun(
    service: RunningService, till: WireClient, monkeypatch: pytest.MonkeyPatch
):
    """Only the process that redeems can tell the tokens: it asks before whether they would last."""

    async def in_doubt(*_: object) -> None:
        raise StoreUnavailable

    phone = await service.enrolled_phone("alice")
    auth_req_id = await till.started()
    await phone.approve_next()
    with monkeypatch.context() as patch:
        patch.setattr(type(service.service.stores.transactions), "confirm", in_doubt)
        assert (await till.poll(auth_req_id)).status_code == 503
        assert await state(service, auth_req_id) == "approved"
    assert (await till.poll(auth_req_id)).status_code == 200
    assert [each.name for each in service.telemetry.failures] == ["store_unavailable"]
    service.telemetry.failures.clear()
