"""Callbacks when something is wrong: the client is gone, the lease is lost, the store is away."""

import asyncio
import secrets
from dataclasses import dataclass, field, replace

import pytest

from ciba_service.flow.account_gate import AccountGate
from ciba_service.flow.due import delivery as delivery_module
from ciba_service.flow.due.delivery import CLIENT_AT_ONCE, CLIENT_WAITING, CallbackDelivery
from ciba_service.ports import (
    Callback,
    CallbackProgress,
    DueKind,
    DueWork,
    FailureReason,
    OutboundFailure,
    OutboundRequest,
    OutboundResponse,
    PendingCallback,
    StoreUnavailable,
)
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.security_events.kinds import CallbackGivenUp, CallbackRefused
from ciba_service.protocol.transaction.callbacks import AbandonReason, CallbackState
from ciba_service.protocol.transaction.state import State
from tests.fake_clock import FakeClock
from tests.services.recording_telemetry import RecordingTelemetry
from tests.unit.protocol.registrations import registered, signer

TIMEOUT = 4_000
WORK = DueWork(DueKind.CALLBACK, "transaction", 1)
SHOP = registered(
    signer(
        client_id="shop",
        backchannel_token_delivery_mode="ping",
        backchannel_client_notification_endpoint="https://shop.example/ping",
    )
)


@dataclass
class Store:
    """``ports.DueStore`` and ``ports.CallbackStore`` with one callback in them."""

    callback: PendingCallback | None = None
    is_away: bool = False
    holds_lease: bool = True
    finished: list[DueWork] = field(default_factory=list)
    was_finished: asyncio.Event = field(default_factory=asyncio.Event)
    noted: list[CallbackProgress] = field(default_factory=list)
    leased_until: int = 0

    async def extend(self, work: DueWork, *, until: int) -> bool:
        """Hold it for longer."""
        if self.is_away:
            raise StoreUnavailable(f"{work} {until}")
        self.leased_until = until
        return self.holds_lease

    async def finish(self, work: DueWork) -> None:
        """Forget it."""
        self.finished.append(work)
        self.was_finished.set()

    async def claim(self, partition: int, *, now: int, limit: int) -> list[DueWork]:
        """Nothing is claimed here."""
        raise AssertionError(f"{partition} {now} {limit}")

    async def partitions_with_work(self, *, now: int) -> list[int]:
        """Nor looked for."""
        raise AssertionError(f"{now}")

    async def find(self, transaction_id: str, *, now: int) -> PendingCallback | None:
        """The one there is."""
        assert (transaction_id, now > 0) == (WORK.transaction_id, True)
        return self.callback

    async def note(self, work: DueWork, progress: CallbackProgress, *, now: int) -> bool:
        """Remember, if the lease is still held."""
        assert work.lease_until > now
        self.noted.append(progress)
        return self.holds_lease


@dataclass
class Outside:
    """``ports.Outbound`` that always says the same, once it may."""

    answer: OutboundResponse | OutboundFailure = field(
        default_factory=lambda: OutboundResponse(status=204)
    )
    asked: list[OutboundRequest] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, request: OutboundRequest) -> OutboundResponse | OutboundFailure:
        """Answer."""
        self.asked.append(request)
        self.was_asked.set()
        await self.may_answer.wait()
        return self.answer


@dataclass
class Registry:
    """``ports.ClientRegistry`` of one client, or of none."""

    client: Client | None = SHOP
    others: dict[str, Client] = field(default_factory=dict)

    async def find(self, client_id: str) -> Client | None:
        """The client."""
        return self.client if client_id == "shop" else self.others[client_id]


@dataclass
class Scene:
    """A delivery with everything around it."""

    store: Store = field(default_factory=Store)
    outside: Outside = field(default_factory=Outside)
    registry: Registry = field(default_factory=Registry)
    clock: FakeClock = field(default_factory=FakeClock)
    telemetry: RecordingTelemetry = field(default_factory=RecordingTelemetry)

    def __post_init__(self) -> None:
        self.outside.may_answer.set()
        self.store.callback = PendingCallback(
            transaction_id=WORK.transaction_id,
            client_id="shop",
            callback=Callback("auth_req_id", "token", DeliveryMode.PING),
            attempts=0,
            deadline=self.clock.now_ms() + 180_000,
            state=State.APPROVED,
        )

    def delivery(self, *, timeout: int = TIMEOUT) -> CallbackDelivery:
        """The step."""
        return CallbackDelivery(
            due=self.store,
            callbacks=self.store,
            pushes=None,  # type: ignore[arg-type] # nothing is pushed here
            gate=AccountGate(users=None, clients=self.registry, devices=None, attempts=None),  # type: ignore[arg-type]
            outbound=self.outside,
            timeout=timeout,
            random=secrets.token_bytes,
            clock=self.clock,
            telemetry=self.telemetry,
        )


@pytest.fixture
def scene() -> Scene:
    """All is well."""
    return Scene()


async def test_one_attempt_says_what_the_client_needs(scene: Scene):
    """A POST of the auth_req_id with its token; done, it is noted under the longer lease."""
    await scene.delivery().deliver(WORK)
    (request,) = scene.outside.asked
    assert (request.url, request.authorization, request.body) == (
        "https://shop.example/ping",
        "Bearer token",
        b'{"auth_req_id":"auth_req_id"}',
    )
    assert request.deadline == TIMEOUT / 1000
    assert scene.store.leased_until == scene.clock.now_ms() + 3 * TIMEOUT + 2_000
    assert scene.store.noted == [CallbackProgress(CallbackState.DELIVERED, 1, status=204)]
    assert "token" not in repr(scene.telemetry.events)


@pytest.mark.parametrize("client", [None, "disabled", "without endpoint"])
async def test_a_client_that_is_gone_is_not_called(scene: Scene, client: str | None):
    """Removed, disabled, or become a poll client: nobody is told anything."""
    changes = {"disabled": {"enabled": False}, "without endpoint": {}}
    changed = signer(client_id="shop", **changes[client]) if client else None
    scene.registry.client = None if changed is None else registered(changed)
    await scene.delivery().deliver(WORK)
    assert scene.outside.asked == []
    (noted,) = scene.store.noted
    assert noted.reason is AbandonReason.CLIENT_GONE


async def test_a_dead_client_holds_no_other_up(scene: Scene):
    """Four of its callbacks are under way, a line waits; another client's goes past them all."""
    delivery = scene.delivery()
    scene.outside.may_answer.clear()
    running = asyncio.create_task(delivery.run())
    for _ in range(CLIENT_AT_ONCE + CLIENT_WAITING + 1):
        delivery.take(WORK)
    put_off = await scene.telemetry.seen("callback_due")
    assert put_off.fields["attempts"] == 0
    assert len(scene.outside.asked) == CLIENT_AT_ONCE
    assert scene.store.callback is not None
    scene.registry.others["kiosk"] = replace(SHOP, client_id="kiosk")
    scene.store.callback = replace(scene.store.callback, client_id="kiosk")
    delivery.take(WORK)
    async with asyncio.timeout(10):
        while len(scene.outside.asked) == CLIENT_AT_ONCE:
            scene.outside.was_asked.clear()
            await scene.outside.was_asked.wait()
    running.cancel()
    await asyncio.wait({running})


async def test_whoever_waits_too_long_comes_again(scene: Scene):
    """Untried, and a little later."""
    delivery = scene.delivery(timeout=1)
    scene.outside.may_answer.clear()
    running = asyncio.create_task(delivery.run())
    for _ in range(CLIENT_AT_ONCE + 1):
        delivery.take(WORK)
    put_off = await scene.telemetry.seen("callback_due")
    assert put_off.fields["attempts"] == 0
    pause = int(str(put_off.fields["again_at"])) - scene.clock.now_ms()
    assert 1_000 <= pause <= 2_000
    running.cancel()
    await asyncio.wait({running})


async def test_a_retry_that_comes_too_late_is_none(scene: Scene):
    """The first one is made whenever it comes; at the deadline the id is worth nothing more."""
    assert scene.store.callback is not None
    scene.clock.advance(180)
    await scene.delivery().deliver(WORK)
    scene.store.callback = replace(scene.store.callback, attempts=1)
    await scene.delivery().deliver(WORK)
    assert len(scene.outside.asked) == 1
    assert scene.store.noted[-1] == CallbackProgress(
        CallbackState.ABANDONED, 1, reason=AbandonReason.TOO_LATE
    )


async def test_whoever_lost_the_lease_does_nothing(scene: Scene):
    """Another process makes this callback."""
    scene.store.holds_lease = False
    await scene.delivery().deliver(WORK)
    assert (scene.outside.asked, scene.store.noted) == ([], [])


@pytest.mark.parametrize("is_gone", [True, False])
async def test_what_has_no_record_any_more_is_given_up(scene: Scene, is_gone: bool):  # noqa: FBT001
    """Operators are told, unless it turns out to be done."""
    scene.store.callback = None
    delivery = scene.delivery()
    note = scene.store.note

    async def noted(work: DueWork, progress: CallbackProgress, *, now: int) -> bool:
        return await note(work, progress, now=now) and is_gone

    scene.store.note = noted  # type: ignore[method-assign]
    await delivery.deliver(WORK)
    assert scene.outside.asked == []
    gone = AbandonReason.RECORD_GONE
    assert scene.store.noted == [CallbackProgress(CallbackState.ABANDONED, 0, reason=gone)]
    told = [event.fields["reason"] for event in scene.telemetry.named("callback_abandoned")]
    assert told == ([gone] if is_gone else [])
    event = CallbackGivenUp(reason=gone, transaction_id=WORK.transaction_id)
    assert scene.telemetry.security_events == ([event] if is_gone else [])


@pytest.mark.parametrize(
    ("status", "is_told"), [(299, False), (300, True), (499, True), (500, False)]
)
async def test_an_endpoint_that_says_no_is_a_security_event(
    scene: Scene,
    status: int,
    is_told: bool,  # noqa: FBT001
):
    """What leads elsewhere or refuses (RFC 9110 15.4, 15.5), and not what breaks down."""
    scene.outside.answer = OutboundResponse(status=status)
    await scene.delivery().deliver(WORK)
    refused = CallbackRefused(status=status, client_id="shop", transaction_id=WORK.transaction_id)
    told = [each for each in scene.telemetry.security_events if isinstance(each, CallbackRefused)]
    assert told == ([refused] if is_told else [])


async def test_a_lease_lost_meanwhile_tells_nothing(scene: Scene):
    """What was sent twice is announced by whoever holds the lease."""
    scene.outside.may_answer.clear()
    delivering = asyncio.create_task(scene.delivery().deliver(WORK))
    await scene.outside.was_asked.wait()
    scene.store.holds_lease = False
    scene.outside.may_answer.set()
    await delivering
    assert [event.name for event in scene.telemetry.events] == ["callback_attempted"]


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (FailureReason.REFUSED_URL, CallbackState.ABANDONED),
        (FailureReason.REFUSED_ADDRESS, CallbackState.DUE),
        (FailureReason.TIMEOUT, CallbackState.DUE),
        (FailureReason.TLS_FAILED, CallbackState.DUE),
    ],
)
async def test_silence_is_tried_again_unless_nobody_is_ever_asked_there(
    scene: Scene, reason: FailureReason, state: CallbackState
):
    """A name may lead elsewhere tomorrow; a URL that is refused stays so."""
    scene.outside.answer = OutboundFailure(reason, "why")
    await scene.delivery().deliver(WORK)
    assert [progress.state for progress in scene.store.noted] == [state]
    (seen,) = scene.telemetry.named("callback_attempted")
    assert seen.fields["failure"] == reason.value


async def test_an_attempt_that_found_no_place_outside_is_none(scene: Scene):
    """Nothing was sent, by our own limits: it comes again soon, and is not counted."""
    scene.outside.answer = OutboundFailure(FailureReason.BUSY, "all places are taken")
    assert scene.store.callback is not None
    scene.store.callback = replace(scene.store.callback, attempts=2)
    await scene.delivery().deliver(WORK)
    (noted,) = scene.store.noted
    assert (noted.state, noted.attempts) == (CallbackState.DUE, 2)
    assert 1_000 <= noted.again_at - scene.clock.now_ms() <= 2_000
    assert scene.telemetry.named("callback_attempted") == []


async def test_whoever_never_finds_a_place_is_given_up_at_last(scene: Scene):
    """Untried, but listed as abandoned before its record goes."""
    scene.outside.answer = OutboundFailure(FailureReason.BUSY, "all places are taken")
    scene.clock.advance(180 + 300)
    await scene.delivery().deliver(WORK)
    assert scene.store.noted == [
        CallbackProgress(CallbackState.ABANDONED, 0, reason=AbandonReason.TOO_LATE)
    ]


async def test_a_slow_client_holds_nobody_up(scene: Scene):
    """Each callback runs by itself."""
    delivery = scene.delivery()
    scene.outside.may_answer.clear()
    running = asyncio.create_task(delivery.run())
    for _ in range(3):
        delivery.take(WORK)
    async with asyncio.timeout(10):
        while len(scene.outside.asked) < 3:
            scene.outside.was_asked.clear()
            await scene.outside.was_asked.wait()
    scene.outside.may_answer.set()
    await scene.telemetry.seen("callback_delivered", 3)
    running.cancel()
    await asyncio.wait({running})


async def test_a_store_that_is_away_ends_no_delivery(scene: Scene):
    """It is reported, and the lease brings the work back."""
    delivery = scene.delivery()
    scene.store.is_away = True
    running = asyncio.create_task(delivery.run())
    delivery.take(WORK)
    await scene.telemetry.failed("callback_failed")
    scene.store.is_away = False
    delivery.take(WORK)
    await scene.telemetry.seen("callback_delivered")
    running.cancel()
    await asyncio.wait({running})


async def test_too_many_at_once_come_again(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """What finds no place is left to its lease."""
    monkeypatch.setattr(delivery_module, "MAXIMUM_AT_ONCE", 1)
    delivery = scene.delivery()
    delivery.take(WORK)
    delivery.take(WORK)
    assert [event.name for event in scene.telemetry.events] == ["callback_put_off"]


async def test_places_are_given_back(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """Only so many are begun at once, and however many after each other."""
    monkeypatch.setattr(delivery_module, "MAXIMUM_WAITING", 2)
    delivery = scene.delivery()
    scene.outside.may_answer.clear()
    running = asyncio.create_task(delivery.run())
    for _ in range(5):
        delivery.take(WORK)
    async with asyncio.timeout(10):
        while len(scene.outside.asked) < 2:
            scene.outside.was_asked.clear()
            await scene.outside.was_asked.wait()
        for _ in range(20):  # A third would have been sent by now.
            await asyncio.sleep(0)
    assert len(scene.outside.asked) == 2
    scene.outside.may_answer.set()
    await scene.telemetry.seen("callback_delivered", 5)
    running.cancel()
    await asyncio.wait({running})


async def test_all_clients_together_have_so_many_places(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    """However many clients there are; whoever waited is called when one is free."""
    monkeypatch.setattr(delivery_module, "MAXIMUM_AT_ONCE", 2)
    scene.store = ByName(scene.store.callback)
    names = ["one", "two", "three"]
    scene.registry.others = {name: replace(SHOP, client_id=name) for name in names}
    scene.outside.may_answer.clear()
    delivery = scene.delivery()
    calls = [
        asyncio.create_task(delivery.deliver(replace(WORK, transaction_id=f"{name}/1")))
        for name in names
    ]
    for _ in range(50):  # The third would have been sent by now.
        await asyncio.sleep(0)
    assert len(scene.outside.asked) == 2
    scene.outside.may_answer.set()
    await asyncio.wait_for(asyncio.gather(*calls), 10)
    assert len(scene.outside.asked) == 3


class ByName(Store):
    """A store in which each transaction is of the client before the slash."""

    async def find(self, transaction_id: str, *, now: int) -> PendingCallback | None:
        """The one there is, as that client's."""
        assert now > 0
        assert self.callback is not None
        client_id, _, _ = transaction_id.partition("/")
        return replace(self.callback, transaction_id=transaction_id, client_id=client_id)


async def test_many_dead_clients_hold_no_other_up(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """Whoever waits in its client's line takes no place from others."""
    monkeypatch.setattr(delivery_module, "MAXIMUM_AT_ONCE", 4 * CLIENT_AT_ONCE + 1)
    scene.store = ByName(scene.store.callback)
    names = ["dead-1", "dead-2", "dead-3", "dead-4", "well"]
    scene.registry.others = {name: replace(SHOP, client_id=name) for name in names}
    scene.outside.may_answer.clear()
    delivery = scene.delivery()
    running = asyncio.create_task(delivery.run())
    for number in range(3 * CLIENT_AT_ONCE):
        for name in names[:-1]:
            delivery.take(replace(WORK, transaction_id=f"{name}/{number}"))
            await asyncio.sleep(0)
    delivery.take(replace(WORK, transaction_id="well/1"))
    async with asyncio.timeout(10):
        while len(scene.outside.asked) < 4 * CLIENT_AT_ONCE + 1:
            scene.outside.was_asked.clear()
            await scene.outside.was_asked.wait()
    running.cancel()
    await asyncio.wait({running})


async def test_what_is_wrong_with_one_record_ends_no_other_delivery(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    """It is reported, and whoever is being told is told to the end."""
    delivery = scene.delivery()
    scene.outside.may_answer.clear()
    running = asyncio.create_task(delivery.run())
    delivery.take(WORK)
    await scene.outside.was_asked.wait()

    async def broken(_: str, *, now: int) -> PendingCallback | None:
        raise ValueError(f"cannot be opened at {now}")

    monkeypatch.setattr(scene.store, "find", broken)
    delivery.take(WORK)
    await scene.telemetry.failed("callback_failed")
    scene.outside.may_answer.set()
    await scene.telemetry.seen("callback_delivered")
    running.cancel()
    await asyncio.wait({running})


async def test_what_was_cancelled_while_it_stood_in_line_is_not_told(scene: Scene):
    """It looks again when its turn has come."""
    delivery = scene.delivery()
    scene.outside.may_answer.clear()
    running = asyncio.create_task(delivery.run())
    for _ in range(CLIENT_AT_ONCE + 1):
        delivery.take(WORK)
    async with asyncio.timeout(10):
        while len(scene.outside.asked) < CLIENT_AT_ONCE:
            scene.outside.was_asked.clear()
            await scene.outside.was_asked.wait()
    scene.store.callback = None
    scene.outside.may_answer.set()
    await scene.telemetry.seen("callback_delivered", CLIENT_AT_ONCE)
    async with asyncio.timeout(10):
        await scene.store.was_finished.wait()
    assert len(scene.outside.asked) == CLIENT_AT_ONCE
    running.cancel()
    await asyncio.wait({running})
