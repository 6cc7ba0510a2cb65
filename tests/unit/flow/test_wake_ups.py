"""Waking phones is due work: one process at a time, nothing held up, nothing twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from ciba_service.flow.account_gate import AccountGate
from ciba_service.flow.due import wake_ups as wake_ups_module
from ciba_service.flow.due.wake_ups import MAXIMUM_AT_ONCE, WakeUps
from ciba_service.ports import (
    DueKind,
    DueWork,
    FailureReason,
    OutboundFailure,
    OutboundResponse,
    SignerUnavailable,
    User,
)
from ciba_service.ports.phones.wake_up import SleepingPhone, WakeUpCall
from ciba_service.sca.messages import transaction_id
from ciba_service.sca.phones.devices import DeviceRevoked, user_tag
from ciba_service.sca.phones.wake_up import PushAddress
from ciba_service.stores.clients.configured import ConfiguredClients, ConfiguredUsers
from ciba_service.stores.due.due import LEASE_MS
from ciba_service.stores.keys import due_key, partition_of, wake_ups_key
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone

ADDRESS = PushAddress("https://push.example/1", "p", "a")
OTHER = PushAddress("https://push.example/2", "p", "a")
TAG = user_tag("alice")


Result = OutboundResponse | OutboundFailure
CREATED = OutboundResponse(status=201)


@dataclass
class Alarm:
    """``ports.wake_up.WakeUp`` that answers what a test wants, the last answer for ever."""

    answers: list[Result | Exception] = field(default_factory=lambda: [CREATED])
    woken: list[str] = field(default_factory=list)
    is_webhook: bool = False

    def reaches(self, phone: SleepingPhone) -> bool:
        """Whoever named an address."""
        return phone.address is not None

    def uses_address(self, phone: SleepingPhone) -> bool:
        """All of them, unless a webhook is asked."""
        return self.reaches(phone) and not self.is_webhook

    async def wake(self, phone: SleepingPhone, call: WakeUpCall) -> Result:
        """Note it, and answer."""
        self.woken.append(phone.device_id)
        assert call.expires_at > 0
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(given, Exception):
            raise given
        return given


async def nothing(_partition: int) -> None:
    """Leave what is due to the tests."""


@pytest.fixture
async def idle(
    run_service: ServiceRunner, till: WireClient, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningService]:
    """A service that does no due work by itself."""
    async with run_service(clients=[till]) as service:
        monkeypatch.setattr(service.service.worker, "work_off", nothing)
        yield service
        assert service.telemetry.failures == []


@pytest.fixture
async def phone(idle: RunningService) -> WirePhone:
    """Alice's phone, which can be woken."""
    enrolled = await idle.enrolled_phone("alice")
    await idle.service.stores.wake_ups.put(enrolled.device_id, ADDRESS)
    return enrolled


def wake_ups(service: RunningService, alarm: Alarm, *, users: str = "alice") -> WakeUps:
    """The part of a process that wakes phones of these users."""
    stores = service.service.stores
    gate = AccountGate(
        users=ConfiguredUsers((User(name), ()) for name in users.split()),
        clients=ConfiguredClients(service.settings.clients),
        devices=stores.devices,
        attempts=stores.attempts,
    )
    return WakeUps(
        wake_up=alarm,
        store=stores.wake_ups,
        due=stores.due,
        gate=gate,
        grace=1_000,
        timeout=5_000,
        random=lambda count: b"\x7f" * count,
        clock=service.clock,
        telemetry=service.telemetry,
    )


async def planned(service: RunningService, waking: WakeUps) -> str:
    """A request whose phones are to be woken."""
    name = transaction_id(await service.till.started())
    await service.telemetry.seen("transaction_started")
    found = await service.service.stores.transactions.read(name, now=service.clock.now_ms())
    assert found is not None
    assert await waking.plan(found) == 1_000
    return name


async def due(service: RunningService, name: str) -> list[DueWork]:
    """What is due of waking, claimed."""
    claimed = await service.service.stores.due.claim(
        partition_of(name), now=service.clock.now_ms(), limit=9
    )
    return [work for work in claimed if work.kind is DueKind.WAKE]


async def work_of(service: RunningService, name: str) -> DueWork:
    """The work, claimed as if by this process; the service's own worker finds nothing to do."""
    score = await service.commands.call("ZSCORE", due_key(partition_of(name)), f"wake:{name}")
    return DueWork(DueKind.WAKE, name, int(score))


async def is_over(service: RunningService, name: str) -> bool:
    """Whether nothing of waking comes again, not even when a lease has ended."""
    score = await service.commands.call("ZSCORE", due_key(partition_of(name)), f"wake:{name}")
    return score is None


async def test_a_user_whom_nothing_wakes_costs_no_work(idle: RunningService):
    """Without an address there is nothing to plan."""
    await idle.enrolled_phone("alice")
    alarm = Alarm()
    name = transaction_id(await idle.till.started())
    found = await idle.service.stores.transactions.read(name, now=idle.clock.now_ms())
    assert found is not None
    assert await wake_ups(idle, alarm).plan(found) is None
    assert await is_over(idle, name)


async def test_whoever_is_not_to_be_asked_any_more_is_not_woken(
    idle: RunningService, phone: WirePhone
):
    """A user who was disabled in the meantime would be shown nothing."""
    name = transaction_id(await idle.till.started())
    found = await idle.service.stores.transactions.read(name, now=idle.clock.now_ms())
    assert found is not None
    assert await wake_ups(idle, Alarm(), users="bob").plan(found) is None
    assert await wake_ups(idle, Alarm()).plan(found) == 1_000
    assert phone.device_id


async def test_a_phone_is_woken_once_for_a_prompt(idle: RunningService, phone: WirePhone):
    """Whoever announces it again, in whatever process, wakes nobody a second time."""
    alarm = Alarm()
    waking = wake_ups(idle, alarm)
    name = await planned(idle, waking)
    await waking.carry_out(await work_of(idle, name))
    found = await idle.service.stores.transactions.read(name, now=idle.clock.now_ms())
    assert found is not None
    await wake_ups(idle, alarm).plan(found)
    await waking.carry_out(await work_of(idle, name))
    assert alarm.woken == [phone.device_id]


async def test_two_processes_share_no_work(idle: RunningService, phone: WirePhone):
    """The one whose lease is over does nothing, and neither does one that is told late."""
    alarm = Alarm()
    slow, quick = wake_ups(idle, alarm), wake_ups(idle, alarm)
    name = await planned(idle, slow)
    idle.clock.advance(1)
    (early,) = await due(idle, name)
    assert await due(idle, name) == []
    idle.clock.advance(LEASE_MS / 1000)
    (late,) = await due(idle, name)
    await slow.carry_out(early)
    assert alarm.woken == []
    await quick.carry_out(late)
    await slow.carry_out(early)
    assert alarm.woken == [phone.device_id]


async def test_only_those_are_tried_again_that_may_be_reached_then(
    idle: RunningService, phone: WirePhone
):
    """Of two phones one was woken: the next attempt is for the other alone, and it is the last."""
    other = await idle.enrolled_phone("alice", "Tablet")
    await idle.service.stores.wake_ups.put(other.device_id, OTHER)
    alarm = Alarm([CREATED, OutboundFailure(FailureReason.TIMEOUT, "no answer"), CREATED])
    waking = wake_ups(idle, alarm)
    name = await planned(idle, waking)
    await waking.carry_out(await work_of(idle, name))
    assert set(alarm.woken) == {phone.device_id, other.device_id}
    again = await work_of(idle, name)
    assert idle.clock.now_ms() < again.lease_until <= idle.clock.now_ms() + 5_000
    last = alarm.woken[1]
    idle.clock.advance(5)
    await waking.carry_out(await work_of(idle, name))
    assert alarm.woken[2:] == [last]
    told = [each.fields for each in idle.telemetry.named("wake_up_attempted")]
    outcomes = sorted(str(each.get("failure", each.get("status"))) for each in told)
    assert outcomes == ["201", "201", "timeout"]
    assert await is_over(idle, name)


@pytest.mark.parametrize(
    "answer",
    [
        OutboundResponse(status=400),
        OutboundResponse(status=413),
        OutboundResponse(status=302),
        OutboundFailure(FailureReason.REFUSED_URL, "only https"),
        OutboundFailure(FailureReason.REFUSED_ADDRESS, "not public"),
    ],
    ids=["400", "413", "302", "refused URL", "refused address"],
)
async def test_a_final_word_ends_it(idle: RunningService, phone: WirePhone, answer: Result):
    """It is not tried again, and the address stays for the next prompt."""
    alarm = Alarm([answer])
    waking = wake_ups(idle, alarm)
    name = await planned(idle, waking)
    await waking.carry_out(await work_of(idle, name))
    assert await is_over(idle, name)
    assert alarm.woken == [phone.device_id]
    assert await idle.service.stores.wake_ups.has(phone.device_id)


@pytest.mark.parametrize("status", [404, 410])
async def test_only_a_push_service_knows_what_became_of_an_address(
    idle: RunningService, phone: WirePhone, status: int
):
    """It ends the address (RFC 8030 7.3); a webhook that says the same was not asked there."""
    for is_webhook in (True, False):
        waking = wake_ups(idle, Alarm([OutboundResponse(status=status)], is_webhook=is_webhook))
        name = await planned(idle, waking)
        await waking.carry_out(await work_of(idle, name))
        assert await is_over(idle, name)
        assert await idle.service.stores.wake_ups.has(phone.device_id) is is_webhook


async def test_a_phone_that_nothing_reaches_keeps_no_other_asleep(
    idle: RunningService, phone: WirePhone
):
    """Of a user's phones those are woken that can be."""
    await idle.enrolled_phone("alice", "Tablet")
    alarm = Alarm()
    waking = wake_ups(idle, alarm)
    name = await planned(idle, waking)
    await waking.carry_out(await work_of(idle, name))
    assert alarm.woken == [phone.device_id]
    assert await is_over(idle, name)


async def test_an_address_that_was_replaced_meanwhile_stays(idle: RunningService, phone: WirePhone):
    """What a push service says of the old one does not concern the new one."""
    store = idle.service.stores.wake_ups
    await store.drop(phone.device_id, only=OTHER)
    assert await store.has(phone.device_id)
    await store.drop(phone.device_id, only=ADDRESS)
    assert not await store.has(phone.device_id)
    await store.drop(phone.device_id, only=ADDRESS)
    await store.drop("nobody")


async def test_only_enrolled_phones_have_addresses(idle: RunningService, phone: WirePhone):
    """One that was revoked, or that never was a phone, gets none."""
    store = idle.service.stores.wake_ups
    await idle.service.stores.devices.revoke(phone.device_id, now=idle.clock.now_ms())
    for name in (phone.device_id, "nobody"):
        with pytest.raises(DeviceRevoked):
            await store.put(name, ADDRESS)
    assert await idle.commands.call("EXISTS", wake_ups_key(TAG)) == 0
    assert await store.phones(TAG) == []


async def test_a_forgotten_transaction_wakes_nobody(idle: RunningService, phone: WirePhone):
    """What was due for it is over."""
    alarm = Alarm()
    name = "A" * 22
    await idle.service.stores.due.add(DueKind.WAKE, name, at=idle.clock.now_ms() + 1_000)
    work = DueWork(DueKind.WAKE, name, idle.clock.now_ms() + 1_000)
    await wake_ups(idle, alarm).carry_out(work)
    assert alarm.woken == []
    assert await is_over(idle, name)
    assert phone.device_id


async def test_what_cannot_be_signed_is_left_for_later(
    idle: RunningService, phone: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """The lease ends by itself; the process goes on with the next, in the one place that it has."""
    monkeypatch.setattr(wake_ups_module, "MAXIMUM_AT_ONCE", 1)
    alarm = Alarm([SignerUnavailable("away"), CREATED])
    waking = wake_ups(idle, alarm)
    name = await planned(idle, waking)
    running = asyncio.create_task(waking.run())
    waking.take(await work_of(idle, name))
    failure = await idle.telemetry.failed("wake_up_failed")
    assert failure.fields["transaction_id"] == name
    waking.take(await work_of(idle, name))
    await idle.telemetry.seen("wake_up_done")
    assert alarm.woken == [phone.device_id] * 2
    running.cancel()
    await asyncio.wait({running})
    idle.telemetry.failures.clear()


async def test_what_finds_no_place_comes_again(idle: RunningService):
    """So many wait at once; the lease of any more ends by itself."""
    waking = wake_ups(idle, Alarm())
    for number in range(MAXIMUM_AT_ONCE + 1):
        waking.take(DueWork(DueKind.WAKE, f"{number:022d}", 0))
    put_off = await idle.telemetry.seen("wake_up_put_off")
    assert put_off.fields["transaction_id"] == f"{MAXIMUM_AT_ONCE:022d}"


@pytest.mark.parametrize("stored", [b"nonsense", "moved"])
async def test_an_address_that_does_not_open_holds_nothing_up(
    idle: RunningService, phone: WirePhone, stored: bytes | str
):
    """It is reported, and the announcement is done."""
    other = await idle.enrolled_phone("alice", "Tablet")
    key = wake_ups_key(TAG)
    if stored == "moved":
        stored = await idle.commands.call("HGET", key, phone.device_id)
    await idle.commands.call("HSET", key, other.device_id, stored)
    name = transaction_id(await idle.till.started())
    found = await idle.service.stores.transactions.read(name, now=idle.clock.now_ms())
    assert found is not None
    assert await wake_ups(idle, Alarm()).plan(found) is None
    await idle.telemetry.failed("wake_up_failed")
    idle.telemetry.failures.clear()
