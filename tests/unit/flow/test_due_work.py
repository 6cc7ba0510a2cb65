"""Due work is done by whoever gets to it, and does no harm when it is done twice."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ciba_service.clock import SystemClock
from ciba_service.flow.due.due_work import SWEEP_SECONDS, DueWorker
from ciba_service.flow.due.settlement import Answered
from ciba_service.flow.due.store_time import StoreTime
from ciba_service.ports import DueKind, DueWork, StoreUnavailable
from ciba_service.protocol.transaction.state import State
from ciba_service.sca.messages import transaction_id
from ciba_service.sca.messages.decision import DenialReason
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.due.due import LEASE_MS
from ciba_service.stores.keys import partition_of, transaction_key
from tests.services.idle_worker import make_idle
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.unit.flow.wrong_clocks import Ahead
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of


@pytest.fixture
async def idle(
    run_service: ServiceRunner, till: WireClient, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningService]:
    """A service whose own worker is never told of anything, as if its process had died."""
    async with run_service(clients=[till]) as service:
        make_idle(service.service.worker, monkeypatch)
        yield service


@pytest.fixture
async def idle_phone(idle: RunningService) -> WirePhone:
    """Alice's phone."""
    return await idle.enrolled_phone("alice")


def other_worker(service: RunningService, ahead: Ahead | None = None) -> DueWorker:
    """The worker of another process on the same store, which may be ahead of the time."""
    store_clock = SystemClock()
    stores = service.service.stores
    return DueWorker(
        due=stores.due,
        transactions=stores.transactions,
        settlement=service.service.worker._settlement,
        ledgers=stores.ledgers,
        hub=service.service.hub,
        delivery=service.service.delivery,
        partition_of=partition_of,
        store_time=StoreTime(stores.health, Ahead(store_clock) if ahead else store_clock),
        clock=ahead or service.clock,
        telemetry=service.telemetry,
    )


async def claim(service: RunningService, auth_req_id: str) -> list[DueWork]:
    """Take what is due, as a process that dies right afterwards."""
    partition = partition_of(transaction_id(auth_req_id))
    return await service.service.stores.due.claim(partition, now=service.clock.now_ms(), limit=9)


async def test_the_sweep_finds_what_nobody_was_told_of(idle: RunningService, idle_phone: WirePhone):
    """A request whose process died before announcing it reaches the phone at the next sweep."""
    async with idle_phone.online() as socket:
        await idle.till.started()
        idle.clock.advance(1)
        assert (await socket.next("challenge"))["type"] == "challenge"


async def test_the_work_of_a_dead_process_is_taken_over(
    idle: RunningService, idle_phone: WirePhone
):
    """While its lease lasts nobody touches it; afterwards the sweep of any process does it."""
    async with idle_phone.online() as socket:
        auth_req_id = await idle.till.started()
        (claimed,) = await claim(idle, auth_req_id)
        assert claimed.kind is DueKind.ANNOUNCE
        assert await claim(idle, auth_req_id) == []
        idle.clock.advance(LEASE_MS / 1000)
        assert (await socket.next("challenge"))["type"] == "challenge"


async def test_a_nudged_worker_works_at_once(idle: RunningService, idle_phone: WirePhone):
    """The process that wrote the work does it without waiting for a sweep."""
    worker = other_worker(idle)
    running = asyncio.create_task(worker.run())
    async with idle_phone.online() as socket:
        auth_req_id = await idle.till.started()
        worker.nudge(transaction_id(auth_req_id))
        assert (await socket.next("challenge"))["type"] == "challenge"
    running.cancel()
    await asyncio.wait({running})


async def test_a_process_whose_clock_is_ahead_leaves_what_is_due_to_others(idle: RunningService):
    """By that clock all that is pending has expired; what it is told of it does not do either."""
    await idle.enrolled_phone("alice")
    ahead = Ahead(idle.clock)
    worker = other_worker(idle, ahead)
    auth_req_id = await idle.till.started()
    running = asyncio.create_task(worker.run())
    for _ in range(3):
        await ahead.rests.wait()
        ahead.rests.clear()
        worker.nudge(transaction_id(auth_req_id))
        idle.clock.advance(SWEEP_SECONDS)
    assert idle.telemetry.named("due_work_left_to_others")
    assert (await idle.till.poll(auth_req_id)).json()["error"] == "authorization_pending"
    running.cancel()
    await asyncio.wait({running})


@pytest.mark.usefixtures("idle_phone")
async def test_once_its_clock_is_right_it_works_again(
    idle: RunningService, monkeypatch: pytest.MonkeyPatch
):
    """What was left meanwhile is there."""
    worker, is_ahead = other_worker(idle), True

    async def is_passed() -> bool:
        return is_ahead

    monkeypatch.setattr(worker._store_time, "is_passed", is_passed)
    running = asyncio.create_task(worker.run())
    await idle.telemetry.seen("due_work_left_to_others")
    is_ahead = False
    idle.clock.advance(SWEEP_SECONDS)
    await idle.telemetry.seen("due_work_goes_on")
    running.cancel()
    await asyncio.wait({running})


@pytest.mark.parametrize("kind", list(DueKind))
async def test_work_done_twice_does_no_harm(
    idle: RunningService, idle_phone: WirePhone, kind: DueKind
):
    """Announcing, expiring and settling again, in any state, changes nothing that counts."""
    worker = other_worker(idle)
    first, second = await idle.till.started(), await idle.till.started(requested_expiry=10)
    by_name = {claims_of(text)["transaction_id"]: text for text in await idle_phone.fetch()}
    await idle_phone.decide(idle_phone.approval(by_name[transaction_id(first)]))
    idle.clock.advance(10)
    for auth_req_id in (first, second):
        work = DueWork(kind, transaction_id(auth_req_id), 0)
        for _ in range(2):
            if kind is not DueKind.SETTLE or auth_req_id == first:
                await worker._perform(work)
        await worker.work_off(partition_of(work.transaction_id))
    assert (await idle.till.poll(first)).status_code == 200
    assert (await idle.till.poll(second)).json()["error"] == "expired_token"


@pytest.mark.usefixtures("idle_phone")
async def test_an_expiry_claimed_before_the_clock_went_back_is_done_in_its_time(
    idle: RunningService,
):
    """It is not forgotten for having come too early: what is told of it depends on it."""
    worker = other_worker(idle)
    auth_req_id = await idle.till.started(requested_expiry=10)
    partition = partition_of(transaction_id(auth_req_id))
    ahead = idle.clock.now_ms() + 15_000
    claimed = await idle.service.stores.due.claim(partition, now=ahead, limit=64)
    assert DueKind.EXPIRE in {work.kind for work in claimed}
    for work in claimed:
        await worker._do(work)
    idle.clock.advance(30)
    again = await idle.service.stores.due.claim(partition, now=idle.clock.now_ms(), limit=64)
    assert [work.kind for work in again] == [DueKind.EXPIRE]
    assert await worker._perform(again[0])


@pytest.mark.parametrize("kind", list(DueKind))
async def test_work_of_a_forgotten_transaction_is_none(idle: RunningService, kind: DueKind):
    """Ten minutes after its expiry a record is gone; what was due for it is passed over."""
    await other_worker(idle)._perform(DueWork(kind, "A" * 22, 0))


async def test_what_is_still_pending_is_not_settled(idle: RunningService, idle_phone: WirePhone):
    """Whoever wrote so into the store neither ends the request nor the worker."""
    auth_req_id = await idle.till.started()
    work = DueWork(DueKind.SETTLE, transaction_id(auth_req_id), 0)
    assert await other_worker(idle)._perform(work)
    assert (await idle_phone.approve_next())["type"] == "accepted"


async def test_settling_again_gives_nobody_new_attempts(
    idle: RunningService, idle_phone: WirePhone
):
    """The reset after an approval happens once, however often its work is done."""
    worker, attempts = other_worker(idle), idle.service.stores.attempts
    auth_req_id = await idle.till.started()
    await idle_phone.approve_next()
    work = DueWork(DueKind.SETTLE, transaction_id(auth_req_id), 0)
    await worker._perform(work)
    await idle.till.started()
    (challenge,) = await idle_phone.fetch()
    await idle_phone.decide(idle_phone.approval(challenge, pin=False))
    await worker._perform(work)
    assert await attempts.used(user_tag("alice")) == 1


async def test_a_record_of_another_format_holds_up_nothing(
    run_service: ServiceRunner, till: WireClient, monkeypatch: pytest.MonkeyPatch
):
    """It is reported and left for a process that knows it; other work goes on."""
    async with run_service(clients=[till]) as service:
        make_idle(service.service.worker, monkeypatch)
        worker = other_worker(service)
        phone = await service.enrolled_phone("alice")
        async with phone.online() as socket:
            auth_req_id = await till.started()
            partition = partition_of(transaction_id(auth_req_id))
            strange = f"{transaction_id(auth_req_id)[:2]}{'-' * 20}"
            await service.commands.call("HSET", transaction_key(strange), "v", "99", "s", "x")
            await service.commands.call(
                "ZADD", f"ciba:{{p{partition}}}:due", 1, f"announce:{strange}"
            )
            await worker.work_off(partition)
            assert (await socket.next("challenge"))["type"] == "challenge"
        (failure,) = service.telemetry.failures
        assert failure.fields["transaction_id"] == strange


async def test_more_work_than_fits_a_claim_is_done_at_once(idle: RunningService):
    """A partition is worked off to its end, claim after claim."""
    worker, name = other_worker(idle), transaction_id("x")
    partition = partition_of(name)
    key = f"ciba:{{p{partition}}}:due"
    for number in range(150):
        member = f"expire:{name[:2]}{number:020d}"
        await idle.commands.call("ZADD", key, 1, member)
    await worker.work_off(partition)
    assert await idle.commands.call("ZCARD", key) == 0


async def test_a_store_that_fails_in_the_middle_is_reported(
    idle: RunningService, monkeypatch: pytest.MonkeyPatch
):
    """What could be done is done; the rest stays leased and is found again."""
    worker = other_worker(idle)
    auth_req_id = await started_by_alice(idle)
    ledgers = type(idle.service.stores.ledgers)
    announced = ledgers.announced

    async def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(ledgers, "announced", fail)
    partition = partition_of(transaction_id(auth_req_id))
    with pytest.raises(StoreUnavailable):
        await worker.work_off(partition)
    monkeypatch.setattr(ledgers, "announced", announced)
    idle.clock.advance(LEASE_MS / 1000)
    claimed = await claim(idle, auth_req_id)
    assert [work.kind for work in claimed] == [DueKind.ANNOUNCE]


async def test_what_could_not_be_told_is_told_when_its_lease_ends(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
):
    """The words between processes are away for a moment: reported, and made good by the sweep."""
    phone = await service.enrolled_phone("alice")
    hub = type(service.service.hub)
    announce = hub.announce

    async def fail(*_: object) -> None:
        raise StoreUnavailable

    async with phone.online() as socket:
        monkeypatch.setattr(hub, "announce", fail)
        auth_req_id = await service.till.started()
        await service.telemetry.failed("due_work_failed")
        monkeypatch.setattr(hub, "announce", announce)
        service.clock.advance(LEASE_MS / 1000)
        assert (await socket.next("challenge"))["type"] == "challenge"
    (failure,) = service.telemetry.failures
    assert failure.name == "due_work_failed"
    assert failure.fields["transaction_id"] == transaction_id(auth_req_id)
    service.telemetry.failures.clear()


async def test_a_defect_in_the_middle_is_not_hidden(idle: RunningService):
    """What nobody foresaw ends the worker, which the supervisor reports and starts anew."""
    work = DueWork(DueKind.ANNOUNCE, "A" * 22, 0)
    with pytest.raises(ZeroDivisionError):
        other_worker(idle)._succeeded([work], [ZeroDivisionError()])


async def test_what_is_not_pending_any_more_is_not_announced(idle: RunningService):
    """A request that was cancelled before anybody was told of it is shown to nobody."""
    worker = other_worker(idle)
    auth_req_id = await started_by_alice(idle)
    assert (await idle.till.cancel(auth_req_id)).status_code == 204
    await worker.work_off(partition_of(transaction_id(auth_req_id)))
    ledger = await idle.service.stores.ledgers.read(
        transaction_id(auth_req_id), now=idle.clock.now_ms()
    )
    assert ledger is not None
    assert [entry.kind.value for entry in ledger.entries] == ["requested", "cancelled"]


async def started_by_alice(service: RunningService) -> str:
    """A request that nobody was told of."""
    await service.enrolled_phone("alice")
    return await service.till.started()


class Unreachable:
    """A due store that is away."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.nudged = asyncio.Event()
        self.swept_twice = asyncio.Event()

    async def claim(self, partition: int, *, now: int, limit: int) -> list[DueWork]:  # noqa: ARG002
        """Never answers."""
        self.asked.append("claim")
        if self.asked.count("claim") > 1:
            self.nudged.set()
        raise StoreUnavailable

    async def partitions_with_work(self, *, now: int) -> list[int]:  # noqa: ARG002
        """Answers once."""
        self.asked.append("sweep")
        if self.asked.count("sweep") > 1:
            self.swept_twice.set()
            raise StoreUnavailable
        return [7]


async def test_a_store_that_is_away_ends_no_worker(service: RunningService):
    """Sweeps and nudges fail, are reported, and are tried again."""
    worker, due = other_worker(service), Unreachable()
    worker._due = due
    running = asyncio.create_task(worker.run())
    while not due.swept_twice.is_set():
        service.clock.advance(1)
        await asyncio.sleep(0)
    worker.nudge("A" * 22)
    await due.nudged.wait()
    assert not running.done()
    running.cancel()
    await asyncio.wait({running})
    names = {failure.name for failure in service.telemetry.failures}
    assert names == {"sweep_failed", "due_work_failed"}
    service.telemetry.failures.clear()


async def test_what_is_remembered_of_later_work_is_bounded(
    idle: RunningService, monkeypatch: pytest.MonkeyPatch
):
    """The sweep finds what was not remembered; and there is room again when it is time."""
    worker, nudged = other_worker(idle), []
    monkeypatch.setattr("ciba_service.flow.due.due_work.MOST_LATER", 3)
    monkeypatch.setattr(worker, "nudge", nudged.append)
    for number in range(5):
        worker.nudge_after(f"transaction {number}", 100)
    for _ in range(3):
        await asyncio.sleep(0)
    idle.clock.advance(0.1)
    for _ in range(3):
        await asyncio.sleep(0)
    assert nudged == ["transaction 0", "transaction 1", "transaction 2"]
    worker.nudge_after("transaction 5", 100)
    assert len(worker._later) == 1
    for task in worker._later:
        task.cancel()


async def test_what_was_being_stored_when_its_user_said_not_me_ends_all_the_same(
    idle: RunningService, idle_phone: WirePhone
):
    """Its prompt was reserved already; the process that was told comes back for it."""
    worker = other_worker(idle)
    running = asyncio.create_task(worker.run())
    auth_req_id = await idle.till.started()
    stored = transaction_key(transaction_id(auth_req_id))
    await idle.commands.call("RENAME", stored, f"{stored}:not yet")
    await worker.block(
        Answered("R" * 22, "till", user_tag("alice"), State.EXPIRED, denial=DenialReason.NOT_ME)
    )
    await idle.commands.call("RENAME", f"{stored}:not yet", stored)
    idle.clock.advance(LEASE_MS / 1000)
    await idle.telemetry.seen("transaction_settled")
    assert (await idle.till.poll(auth_req_id)).json()["error"] == "access_denied"
    assert await idle_phone.fetch() == []
    running.cancel()
    await asyncio.wait({running})
