"""Health, and what clients and phones are told while the store is away."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.types import Message, Send

from ciba_service.endpoints.health import CLOCK_TOLERANCE_MS, Health
from ciba_service.endpoints.outermost import Outermost
from ciba_service.flow.clients.client_authentication import ClientAuthentication
from ciba_service.flow.phones.device_sessions import DeviceSessions
from ciba_service.ports import StoreUnavailable
from ciba_service.sca.messages import CloseCode
from ciba_service.stores.driver.commands import StoreFault
from tests.fake_clock import FakeClock
from tests.redis.servers import redis_server
from tests.services.recording_telemetry import RecordingTelemetry
from tests.services.running_service import RunningService, running_service
from tests.services.service_fixtures import ServiceRunner
from tests.unit.endpoints.test_close_codes import end_of
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone

STORE = {"store": {"deadline_ms": 200}}
UNAVAILABLE = {
    "error": "temporarily_unavailable",
    "error_description": "The service is temporarily unavailable.",
}


@asynccontextmanager
async def over_a_mortal_store(
    tmp_path: Path, client: WireClient
) -> AsyncIterator[tuple[RunningService, WirePhone, "Mortal"]]:
    """A service over a server of its own that the test may end, and Alice's phone."""
    with redis_server() as target:
        run = running_service(target, tmp_path / "keys", clients=[client], sections=STORE)
        async with run as service:
            phone = await service.enrolled_phone("alice")
            yield service, phone, Mortal(service)


class Mortal:
    """The store of a service, to be ended."""

    def __init__(self, service: RunningService) -> None:
        self._service = service

    async def die(self) -> None:
        """End the server: no command is answered from here on."""
        with suppress(StoreFault):
            await self._service.commands.call("SHUTDOWN", "NOSAVE")


async def test_that_the_store_is_away_is_said_within_a_second(tmp_path: Path, till: WireClient):
    """Balancers wait no longer than that; requests go on trying for as long as is configured."""
    with redis_server() as target:
        async with running_service(target, tmp_path / "keys", clients=[till]) as service:
            await Mortal(service).die()
            async with asyncio.timeout(3):
                ready = await service.http.get("/readyz")
            assert (ready.status_code, ready.json()["missing"]) == (503, "store")


async def test_without_its_store_the_service_says_so(tmp_path: Path, till: WireClient):
    """Every endpoint that needs the store answers 503 with Retry-After; liveness stays 200."""
    async with over_a_mortal_store(tmp_path, till) as (service, phone, store):
        auth_req_id = await till.started()
        assert (await service.http.get("/readyz")).json() == {"status": "ready"}
        nonce = await phone.nonce()
        code = await service.activation_code("alice")
        await store.die()
        answers = [
            await till.start(),
            await till.poll(auth_req_id),
            await phone.send_enrolment(phone.enrolment(code)),
            await phone.send({"type": "fetch"}),
        ]
        for answer in answers:
            assert (answer.status_code, answer.json()) == (503, UNAVAILABLE)
            assert answer.headers["retry-after"] == "1"
        ready = await service.http.get("/readyz")
        assert (ready.status_code, ready.json()["missing"]) == (503, "store")
        assert (await service.http.get("/healthz")).status_code == 200
        async with phone.raw_socket() as socket:
            await socket.recv()
            proof = phone.proof(nonce)
            await socket.send(json.dumps({"type": "authenticate", "proof": proof}))
            assert await end_of(socket) == CloseCode.UNAVAILABLE


async def test_a_connected_phone_is_told_to_try_again(tmp_path: Path, till: WireClient):
    """A decision that cannot be stored is refused `unavailable`; a fetch ends the socket 4503."""
    async with over_a_mortal_store(tmp_path, till) as (_, phone, store):
        await till.started()
        async with phone.online() as socket:
            (offered,) = socket.first
            await store.die()
            refused = await socket.decide(phone.approval(offered["challenge"]))
            assert (refused["type"], refused["reason"]) == ("refused", "unavailable")
            await socket.send({"type": "fetch"})
            assert await end_of(socket.raw) == CloseCode.UNAVAILABLE


class StoreClock:
    """A store whose clock the test sets, and whether its replicas are there."""

    def __init__(self, now: int, *, has_replicas: bool = True) -> None:
        self.now = now
        self._has_replicas = has_replicas

    async def server_time_ms(self) -> int:
        """Milliseconds since the epoch."""
        if self.now < 0:
            raise StoreUnavailable
        return self.now

    async def confirm(self) -> None:
        """They are asked."""
        if not self._has_replicas:
            raise StoreUnavailable


@pytest.mark.parametrize(
    ("drift", "listening", "expected"),
    [
        (0, True, None),
        (CLOCK_TOLERANCE_MS, True, None),
        (-CLOCK_TOLERANCE_MS, True, None),
        (CLOCK_TOLERANCE_MS + 1, True, "clock"),
        (-CLOCK_TOLERANCE_MS - 1, True, "clock"),
        (0, False, "subscription"),
    ],
)
async def test_readiness_needs_clock_and_subscription(
    drift: int, *, listening: bool, expected: str | None
):
    """Two seconds between the host and the store are too much, and so is a deaf hub."""
    clock = FakeClock()
    store = StoreClock(clock.now_ms() + drift)
    health = Health(store=store, is_listening=lambda: listening, clock=clock)
    answer = await health.ready(Request({"type": "http"}))
    content = json.loads(answer.body)
    if expected is None:
        assert (answer.status_code, content) == (200, {"status": "ready"})
    else:
        assert (answer.status_code, content["missing"]) == (503, expected)


async def test_readiness_needs_the_replicas_that_are_waited_for():
    """Without them hardly anything is answered; they are asked last."""
    clock = FakeClock()
    store = StoreClock(clock.now_ms(), has_replicas=False)
    health = Health(store=store, is_listening=lambda: True, clock=clock)
    assert await health.missing() == "replicas"
    health = Health(store=store, is_listening=lambda: False, clock=clock)
    assert await health.missing() == "subscription"


class Defect(Exception):
    """What should never happen."""


@pytest.mark.parametrize("path", ["/token", "/bc-authorize"])
async def test_a_defect_is_a_500_without_text(
    run_service: ServiceRunner, till: WireClient, path: str, monkeypatch: pytest.MonkeyPatch
):
    """What escapes a step is logged and told to nobody."""

    def fail(*_: object, **__: object) -> None:
        raise Defect("a secret detail")

    monkeypatch.setattr(ClientAuthentication, "verify", fail)
    async with run_service(clients=[till]) as service:
        answer = await service.http.post(path, data={"scope": "openid"})
        assert answer.status_code == 500
        assert answer.json() == {
            "error": "server_error",
            "error_description": "The service failed to answer.",
        }
        (defect,) = service.telemetry.failures
    assert (defect.name, defect.fields["path"]) == ("defect", path)


async def test_a_defect_on_a_socket_ends_it_with_1011(
    run_service: ServiceRunner, till: WireClient, monkeypatch: pytest.MonkeyPatch
):
    """The phone learns that it was not its fault, and the operator what it was."""

    async def fail(*_: object, **__: object) -> None:
        raise Defect("a secret detail")

    monkeypatch.setattr(DeviceSessions, "authenticate", fail)
    async with run_service(clients=[till]) as service:
        phone = await service.enrolled_phone("alice")
        async with phone.raw_socket() as socket:
            await socket.recv()
            await socket.send('{"type": "authenticate", "proof": ""}')
            assert await end_of(socket) == 1011
            assert not socket.close_reason
        (defect,) = service.telemetry.failures
    assert defect.fields["path"] == "/device/ws"


async def test_a_defect_is_answered_as_json():
    """Where nothing was sent yet, the answer is server_error."""
    sent, telemetry = [], RecordingTelemetry()

    async def app(*_: object) -> None:
        raise Defect("a secret detail")

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    await Outermost(app, telemetry)({"type": "http", "path": "/x"}, receive, send)
    assert (sent[0]["status"], json.loads(sent[1]["body"])) == (
        500,
        {"error": "server_error", "error_description": "The service failed to answer."},
    )


async def test_a_defect_after_the_answer_began_is_only_logged():
    """Nothing is sent after a head that is on its way already."""
    sent, telemetry = [], RecordingTelemetry()

    async def app(scope: object, receive: object, send: Send) -> None:  # noqa: ARG001 - ASGI
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise Defect

    async def send(message: Message) -> None:
        sent.append(message["type"])

    async def receive() -> Message:
        return {"type": "http.request"}

    await Outermost(app, telemetry)({"type": "http", "path": "/x"}, receive, send)
    assert sent == ["http.response.start"]
    assert [failure.name for failure in telemetry.failures] == ["defect"]
