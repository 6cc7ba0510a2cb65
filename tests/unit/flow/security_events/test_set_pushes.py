"""Events are pushed as signed tokens until their receiver has them, or for as long as they keep."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

import pytest

from ciba_service.flow.due.store_time import StoreTime
from ciba_service.flow.security_events.pushes import SetPushes
from ciba_service.flow.security_events.receiver import EventReceiver, SetQueue
from ciba_service.ports import (
    Clock,
    DueSet,
    FailureReason,
    KeyRing,
    OutboundFailure,
    OutboundRequest,
    OutboundResponse,
    Signer,
    SignerUnavailable,
    StoreUnavailable,
)
from ciba_service.protocol.jose.encoding import parse_base64url
from ciba_service.protocol.security_events.kinds import (
    EventReceiverRefused,
    FactorsUnlocked,
    PinChanged,
    SecurityEvent,
)
from ciba_service.protocol.security_events.push import FIRST_RETRY_MS
from ciba_service.protocol.security_events.record import SecurityEventRecord, record_of
from ciba_service.stores.service_keys.key_files import FileSigner
from tests.fake_clock import FakeClock
from tests.services.recording_telemetry import RecordingTelemetry
from tests.unit.flow.security_events.signing_keys import signing_key
from tests.unit.flow.wrong_clocks import Ahead, StoreClock

KEPT = 3_600_000
Result = OutboundResponse | OutboundFailure


def receiver(*kinds: str, token: str | None = None) -> EventReceiver:
    """Whom they are pushed to."""
    return EventReceiver("siem", "https://siem.example/", "siem", token, frozenset(kinds), KEPT)


@dataclass
class Outbox:
    """``ports.SetOutbox`` in memory: what was put, and what came of it."""

    waiting: list[DueSet] = field(default_factory=list)
    finished: list[DueSet] = field(default_factory=list)
    again: list[tuple[DueSet, int]] = field(default_factory=list)
    claims: list[int] = field(default_factory=list)
    fault: str = ""
    claimed: asyncio.Event = field(default_factory=asyncio.Event)

    async def put(self, records: Sequence[SecurityEventRecord], *, now: int) -> int:
        """Keep them."""
        self.waiting += [DueSet(record, 0, now) for record in records]
        return 0

    async def claim(self, *, now: int, limit: int) -> Sequence[DueSet]:
        """Whatever waits."""
        del limit
        self.claims.append(now)
        self.claimed.set()
        if self.fault:
            raise StoreUnavailable(self.fault)
        claimed, self.waiting = self.waiting, []
        return claimed

    async def finish(self, due: DueSet) -> None:
        """It is over."""
        self.finished.append(due)

    async def put_off(self, due: DueSet, *, until: int) -> None:
        """It comes again."""
        self.again.append((due, until))


@dataclass
class FarEnd:
    """``ports.Outbound`` with one answer."""

    result: Result
    requests: list[OutboundRequest] = field(default_factory=list)

    async def send(self, request: OutboundRequest) -> Result:
        """Answer."""
        self.requests.append(request)
        return self.result


@dataclass
class Ring:
    """The part of ``ports.KeyRing`` that pushes use."""

    events_signer: Signer | None


@dataclass
class Scene:
    """A receiver, and an event that waits for it."""

    result: Result = field(default_factory=lambda: OutboundResponse(status=202))
    signer: Signer | None = field(default_factory=lambda: FileSigner(signing_key()))
    receiver: EventReceiver = field(default_factory=lambda: receiver(token="secret"))
    outbox: Outbox = field(default_factory=Outbox)
    store_clock: FakeClock = field(default_factory=FakeClock)
    ahead: bool = False
    telemetry: RecordingTelemetry = field(default_factory=RecordingTelemetry)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.outbound = FarEnd(self.result)
        self.clock: Clock = Ahead(self.store_clock) if self.ahead else self.store_clock
        self.store_time = StoreTime(StoreClock(self.store_clock), self.clock)

    def record(self, event: SecurityEvent | None = None) -> SecurityEventRecord:
        """An event of now."""
        changed = PinChanged(device_id="phone", user="tag")
        return record_of(event or changed, entropy=bytes(16), now=self.clock.now_ms())

    @property
    def queue(self) -> SetQueue:
        """What lets events wait."""
        return SetQueue(
            self.receiver,
            self.outbox,
            store_time=self.store_time,
            clock=self.clock,
            arrived=self.arrived,
        )

    @property
    def pushes(self) -> SetPushes:
        """The step."""
        return SetPushes(
            self.receiver,
            issuer="https://op.example",
            outbox=self.outbox,
            outbound=self.outbound,
            keys=cast("KeyRing", Ring(self.signer)),
            random=lambda count: b"\xff" * count,
            store_time=self.store_time,
            clock=self.clock,
            arrived=self.arrived,
            telemetry=self.telemetry,
        )


def header_and_claims(request: OutboundRequest) -> tuple[dict[str, object], dict[str, object]]:
    """A pushed token, taken apart."""
    header, claims, _ = request.body.decode().split(".")
    return json.loads(parse_base64url(header)), json.loads(parse_base64url(claims))


@pytest.mark.clause("rfc8417-2-2", "ssf-4-1")
async def test_an_event_is_pushed_as_a_typed_token():
    """POST of a secevent+jwt without exp, of our issuer, with the receiver's authorization."""
    scene = Scene()
    await scene.queue.write([scene.record()])
    assert await scene.pushes.push_due()
    (request,) = scene.outbound.requests
    header, claims = header_and_claims(request)
    assert header == {"typ": "secevent+jwt", "alg": "ES256", "kid": "events-key"}
    assert (claims["iss"], claims["aud"]) == ("https://op.example", "siem")
    assert "exp" not in claims
    assert request.content_type == "application/secevent+jwt"
    assert request.accept == "application/json"
    assert request.authorization == "Bearer secret"
    assert len(scene.outbox.finished) == 1
    (pushed,) = scene.telemetry.named("set_pushed")
    assert (pushed.fields["receiver"], pushed.fields["status"]) == ("siem", 202)
    assert not await scene.pushes.push_due()


async def test_a_receiver_may_need_no_authorization():
    """Then there is no such header."""
    scene = Scene(receiver=receiver(token=None))
    await scene.queue.write([scene.record()])
    await scene.pushes.push_due()
    assert scene.outbound.requests[0].authorization is None


@pytest.mark.parametrize(
    "result",
    [OutboundResponse(status=503), OutboundFailure(FailureReason.TIMEOUT, "no answer")],
)
async def test_what_fails_comes_again_with_the_same_name(result: Result):
    """Later, by the receiver's jti the same event."""
    scene = Scene(result=result)
    await scene.queue.write([scene.record()])
    await scene.pushes.push_due()
    ((due, until),) = scene.outbox.again
    assert FIRST_RETRY_MS - 2 <= until - scene.clock.now_ms() <= FIRST_RETRY_MS
    scene.outbox.waiting.append(due)
    await scene.pushes.push_due()
    first, second = map(header_and_claims, scene.outbound.requests)
    assert first == second
    assert scene.outbox.finished == []


async def test_a_clock_that_is_ahead_keeps_nothing_back():
    """What waits is due, leased and tried again by the store's time, and is not given up."""
    scene = Scene(result=OutboundResponse(status=503), ahead=True)
    now = scene.store_clock.now_ms()
    record = record_of(PinChanged(device_id="phone", user="tag"), entropy=bytes(16), now=now)
    await scene.queue.write([record])
    assert [due.lease_until for due in scene.outbox.waiting] == [now]
    await scene.pushes.push_due()
    assert scene.outbox.claims == [now]
    ((_, until),) = scene.outbox.again
    assert FIRST_RETRY_MS - 2 <= until - now <= FIRST_RETRY_MS


async def test_a_final_refusal_is_told():
    """Not to the receiver, which would refuse that as well."""
    scene = Scene(result=OutboundResponse(status=400, body=b'{"err": "invalid_audience"}'))
    record = scene.record()
    await scene.queue.write([record])
    await scene.pushes.push_due()
    told = EventReceiverRefused(receiver="siem", event_id=record.id, error="invalid_audience")
    assert scene.telemetry.security_events == [told]
    assert len(scene.outbox.finished) == 1
    assert await scene.queue.write([scene.record(told)]) == 0
    assert scene.outbox.waiting == []


async def test_a_receiver_gets_the_kinds_it_wants():
    """And no others."""
    scene = Scene(receiver=receiver("pin_changed"))
    await scene.queue.write([scene.record(FactorsUnlocked(user="tag")), scene.record()])
    assert [due.record for due in scene.outbox.waiting] == [scene.record()]


async def test_without_a_key_everything_waits():
    """Nothing is sent, and nothing is finished."""
    scene = Scene(signer=None)
    await scene.queue.write([scene.record()])
    with pytest.raises(SignerUnavailable):
        await scene.pushes.push_due()
    assert (scene.outbound.requests, scene.outbox.finished) == ([], [])


async def eventually(is_so: Callable[[], bool]) -> None:
    """Let the tasks run until something is so."""
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - of what it waits for nothing is told
            await asyncio.sleep(0)


async def test_the_background_pushes_what_arrives_and_outlives_a_fault():
    """What is put wakes it; a store that fails is logged once until it works, and asked again."""
    scene = Scene()
    pushes, queue = scene.pushes, scene.queue
    scene.outbox.fault = "down"
    running = asyncio.create_task(pushes.run())
    await eventually(lambda: len(scene.outbox.claims) == 1)
    scene.arrived.set()
    await eventually(lambda: len(scene.outbox.claims) == 2)
    scene.outbox.fault = ""
    await queue.write([scene.record()])
    await eventually(lambda: bool(scene.outbox.finished))
    scene.outbox.fault = "down"
    scene.arrived.set()
    await eventually(lambda: len(scene.telemetry.failures) == 2)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert {failure.name for failure in scene.telemetry.failures} == {"sets_not_pushed"}
