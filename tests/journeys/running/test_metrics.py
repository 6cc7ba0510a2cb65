"""What Prometheus reads after a flow: the figures are right, and say nothing of anybody."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.journeys.delivery.test_long_polling import held
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient

SECTIONS = {"metrics": {"port": 0}}
SCA = "urn:openbanking:psd2:sca"


@pytest.fixture
async def bank(run_service: ServiceRunner, till: WireClient) -> AsyncIterator[RunningService]:
    """A service that keeps figures."""
    async with run_service(clients=[till], sections=SECTIONS) as running:
        yield running


class Scrape:
    """One look at the figures."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._values = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """The value of a series, 0 where there is none."""
        return self._values.get((name, *sorted(labels.items())), 0.0)

    def requests(self, endpoint: str, outcome: str) -> float:
        """How many requests ended so."""
        name = "ciba_http_request_duration_seconds_count"
        return self.value(name, endpoint=endpoint, outcome=outcome)

    def labels(self, name: str) -> set[str]:
        """All values that a label has."""
        return {value for _, *labels in self._values for label, value in labels if label == name}


async def ask(service: RunningService, path: str = "/metrics", **options: str) -> httpx2.Response:
    """Ask the application of the listener for metrics."""
    app = service.service.metrics_app
    assert app is not None
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://metrics") as http:
        return await http.request(options.get("method", "GET"), path)


async def scrape(service: RunningService) -> Scrape:
    """What stands there now."""
    answer = await ask(service)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return Scrape(answer.text)


async def test_a_flow_is_counted(bank: RunningService):
    """Requests by endpoint and outcome, the transaction, its decision, and round trips."""
    phone = await bank.enrolled_phone("alice")
    async with phone.online() as socket:
        auth_req_id = await bank.till.started()
        challenge = (await socket.next("challenge"))["challenge"]
        await bank.till.poll(auth_req_id)
        assert (await scrape(bank)).value("ciba_connected_phones") == 1
        bank.clock.advance(7)
        await socket.decide(phone.approval(challenge))
        await bank.till.poll(auth_req_id)
        await bank.telemetry.seen("transaction_settled")
    found = await scrape(bank)
    assert found.requests("/bc-authorize", "ok") == 1
    assert found.requests("/token", "authorization_pending") == 1
    assert found.requests("/token", "ok") == 1
    assert found.value("ciba_transactions_opened_total", delivery_mode="poll", acr=SCA) == 1
    assert found.value("ciba_transactions_settled_total", outcome="approved") == 1
    assert found.value("ciba_transactions_redeemed_total") == 1
    assert found.value("ciba_decision_age_seconds_sum", verdict="approve") == 7
    assert found.value("ciba_announcements_total", kind="offer") == 1
    assert found.value("ciba_security_events_total", kind="phone_enrolled") == 1
    assert found.value("ciba_store_round_trip_duration_seconds_count", outcome="answered") > 5
    assert found.value("ciba_store_commands_total") > 10
    assert found.value("ciba_failures_total") == 0


async def test_the_figures_tell_nothing_of_anybody(bank: RunningService):
    """No client, user, phone or transaction; what is asked for makes no series of its own."""
    phone = await bank.enrolled_phone("alice")
    auth_req_id = await bank.till.started()
    for path in ("/secret-path", "/device/secret", "/%0Aciba_x 1"):
        assert (await bank.http.get(path)).status_code == 404
    await bank.http.post("/token", content=b"error=secret-form")
    found = await scrape(bank)
    assert found.requests("other", "other") == 3
    assert (
        found.requests("/token", "invalid_client") + found.requests("/token", "invalid_request")
        == 1
    )
    for word in ("secret", "till", "alice", phone.device_id, auth_req_id, "127.0.0.1"):
        assert word not in found.text
    assert all(re.fullmatch(r"[/\w.{}-]+", name) for name in found.labels("endpoint"))


async def test_a_wrong_decision_and_a_lock_are_counted(bank: RunningService):
    """Refused decisions by reason, and whoever was locked by them."""
    phone = await bank.enrolled_phone("alice")
    async with phone.online() as socket:
        await bank.till.started()
        challenge = (await socket.next("challenge"))["challenge"]
        for _ in range(5):
            await socket.decide(phone.approval(challenge, pin=False))
        await bank.telemetry.seen("transaction_settled")
    found = await scrape(bank)
    assert found.value("ciba_decisions_refused_total", reason="factors") == 5
    assert found.value("ciba_factor_lockouts_total") == 1
    assert found.value("ciba_transactions_settled_total", outcome="failed") == 1
    assert found.value("ciba_security_events_total", kind="factors_locked") == 1


async def test_a_held_poll_is_seen(bank: RunningService):
    """A poll that waits is there while it waits, and is measured when it ends."""
    await bank.enrolled_phone("alice")
    async with held(bank, await bank.till.started()) as poll:
        assert (await scrape(bank)).value("ciba_held_polls") == 1
        bank.service.release()
        assert (await poll).json()["error"] == "authorization_pending"
    found = await scrape(bank)
    assert found.value("ciba_held_polls") == 0
    assert found.requests("/token", "authorization_pending") == 1


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/", "GET", 404), ("/metrics", "POST", 405)]
)
async def test_nothing_else_is_there(bank: RunningService, path: str, method: str, status: int):
    """One path, and reading only."""
    answer = await ask(bank, path, method=method)
    assert answer.status_code == status
    assert ("allow" in answer.headers) == (status == 405)


async def test_without_a_port_nothing_is_measured(service: RunningService):
    """No application, and no meter around any part."""
    assert service.service.metrics_app is None
    assert type(service.commands.observer).__name__ == "Unobserved"
