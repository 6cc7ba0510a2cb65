"""Where phones are woken, and who was: sealed, of enrolled phones only, once a prompt."""

import asyncio
from collections.abc import Sequence

import pytest

from ciba_service.ports import DueKind, DueWork, UnknownRecordFormat
from ciba_service.ports.phones.wake_up import SleepingPhone
from ciba_service.protocol.transaction.ledger import LedgerKind
from ciba_service.protocol.transaction.state import Event
from ciba_service.sca.phones.devices import DeviceRevoked
from ciba_service.sca.phones.wake_up import PushAddress
from ciba_service.stores.driver.commands import Argument, Commands
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import due_key, transaction_key, wake_ups_key
from tests.contracts.store_builders import (
    EXPIRES_AT,
    PARTITION,
    PHONE_JWK,
    START,
    TAG,
    TRANSACTION,
    Stores,
    new_phone,
    new_transaction,
    swap_of,
)

PHONE = new_phone()
ADDRESS = PushAddress("https://push.example/recognisable-endpoint", "p", "recognisable-secret")
OTHER = PushAddress("https://push.example/other", "p", "a")
LEASE = START + 10_000
WORK = DueWork(DueKind.WAKE, TRANSACTION, LEASE)


async def enrol(stores: Stores) -> None:
    """Enrol the phone."""
    await stores.devices.add(TAG, PHONE, PHONE_JWK, further=True, operation="enrolment")


async def pending(stores: Stores) -> None:
    """A pending transaction whose user's phone is to be woken, claimed by this process."""
    await enrol(stores)
    await stores.transactions.create(new_transaction(), operation="create")
    await stores.due.add(DueKind.WAKE, TRANSACTION, at=LEASE)


async def test_an_address_is_read_as_it_was_written_and_not_in_clear(stores: Stores):
    """The endpoint is a capability, the secret a secret."""
    await enrol(stores)
    await stores.wake_ups.put(PHONE.device_id, OTHER)
    await stores.wake_ups.put(PHONE.device_id, ADDRESS)
    assert await stores.wake_ups.phones(TAG) == [SleepingPhone(PHONE.device_id, ADDRESS)]
    held = repr(await stores.commands.call("HGETALL", wake_ups_key(TAG)))
    assert "recognisable" not in held


async def test_a_phone_without_an_address_is_listed_all_the_same(stores: Stores):
    """Another way may reach it; one that is revoked is gone with its address."""
    await enrol(stores)
    assert await stores.wake_ups.phones(TAG) == [SleepingPhone(PHONE.device_id)]
    await stores.wake_ups.put(PHONE.device_id, ADDRESS)
    await stores.devices.revoke(PHONE.device_id, now=START)
    assert await stores.wake_ups.phones(TAG) == []
    assert not await stores.wake_ups.has(PHONE.device_id)
    assert not await stores.wake_ups.has("nobody")
    with pytest.raises(DeviceRevoked):
        await stores.wake_ups.put(PHONE.device_id, ADDRESS)
    assert not await stores.wake_ups.has(PHONE.device_id)


async def test_an_address_is_forgotten_unless_it_is_another_by_now(stores: Stores):
    """The push service said that one is gone; the phone has named a new one meanwhile."""
    await enrol(stores)
    await stores.wake_ups.put(PHONE.device_id, ADDRESS)
    await stores.wake_ups.drop(PHONE.device_id, only=OTHER)
    assert await stores.wake_ups.phones(TAG) == [SleepingPhone(PHONE.device_id, ADDRESS)]
    await stores.wake_ups.drop(PHONE.device_id, only=ADDRESS)
    assert not await stores.wake_ups.has(PHONE.device_id)


async def test_an_address_named_while_another_is_forgotten_stays(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
):
    """Between the look at the one and its end."""
    await enrol(stores)
    await stores.wake_ups.put(PHONE.device_id, OTHER)
    other = await stores.commands.call("HGET", wake_ups_key(TAG), PHONE.device_id)
    await stores.wake_ups.put(PHONE.device_id, ADDRESS)
    issue_script = Commands.issue_script

    def renaming(
        commands: Commands, script: Script, keys: Sequence[str], args: Sequence[Argument]
    ) -> asyncio.Future[object]:
        commands.issue("HSET", keys[0], PHONE.device_id, other)
        return issue_script(commands, script, keys, args)

    monkeypatch.setattr(Commands, "issue_script", renaming)
    await stores.wake_ups.drop(PHONE.device_id, only=ADDRESS)
    assert await stores.wake_ups.phones(TAG) == [SleepingPhone(PHONE.device_id, OTHER)]


async def test_an_address_of_another_format_is_refused_cleanly(stores: Stores):
    """A newer version may have written it."""
    await enrol(stores)
    key, name = wake_ups_key(TAG), PHONE.device_id
    sealed = stores.wake_ups._sealer.seal(b'{"v": 2}', key=key, name="address", owner=name)
    await stores.commands.call("HSET", key, name, sealed)
    with pytest.raises(UnknownRecordFormat):
        await stores.wake_ups.phones(TAG)


async def test_whoever_has_the_challenge_is_not_to_be_woken(stores: Stores):
    """``received`` of this very phone counts; ``shown`` alone, or another's, does not."""
    await pending(stores)
    for kind, device_id in ((LedgerKind.SHOWN, PHONE.device_id), (LedgerKind.RECEIVED, "another")):
        await stores.ledgers.receipt(TRANSACTION, TAG, device_id, kind, now=START)
    found = await stores.wake_ups.round(TRANSACTION, now=START)
    assert found is not None
    assert [phone.device_id for phone in found.phones] == [PHONE.device_id]
    await stores.ledgers.receipt(TRANSACTION, TAG, PHONE.device_id, LedgerKind.RECEIVED, now=START)
    found = await stores.wake_ups.round(TRANSACTION, now=START)
    assert found is not None
    assert found.phones == []


async def test_only_a_pending_transaction_wakes_anybody(stores: Stores):
    """Not one that is decided, expired or unknown; one of another format is refused cleanly."""
    assert await stores.wake_ups.round(TRANSACTION, now=START) is None
    await pending(stores)
    assert await stores.wake_ups.round(TRANSACTION, now=EXPIRES_AT - 1) is not None
    assert await stores.wake_ups.round(TRANSACTION, now=EXPIRES_AT) is None
    await stores.transactions.swap(swap_of(Event.DENY, "deny"))
    assert await stores.wake_ups.round(TRANSACTION, now=START) is None
    await stores.commands.call("HSET", transaction_key(TRANSACTION), "v", "99")
    with pytest.raises(UnknownRecordFormat):
        await stores.wake_ups.round(TRANSACTION, now=START)


async def test_attempts_are_counted_and_settled_phones_left_out(stores: Stores):
    """Until the last attempt, which ends the work."""
    await pending(stores)
    first = await stores.wake_ups.round(TRANSACTION, now=START)
    assert first is not None
    assert first.attempts == 0
    assert await stores.wake_ups.note(WORK, first, settled=[], again_at=LEASE + 5)
    second = await stores.wake_ups.round(TRANSACTION, now=START)
    assert second is not None
    assert (second.attempts, len(second.phones)) == (1, 1)
    again = DueWork(DueKind.WAKE, TRANSACTION, LEASE + 5)
    assert await stores.wake_ups.note(again, second, settled=[PHONE.device_id], again_at=None)
    third = await stores.wake_ups.round(TRANSACTION, now=START)
    assert third is not None
    assert (third.attempts, third.phones) == (2, [])
    assert await stores.commands.call("ZSCORE", due_key(PARTITION), f"wake:{TRANSACTION}") is None


async def test_an_attempt_that_comes_when_its_lease_would_end_is_noted(stores: Stores):
    """The instant of the next attempt tells nothing of whether this one was written down."""
    await pending(stores)
    found = await stores.wake_ups.round(TRANSACTION, now=START)
    assert found is not None
    assert await stores.wake_ups.note(WORK, found, settled=[PHONE.device_id], again_at=LEASE)
    after = await stores.wake_ups.round(TRANSACTION, now=START)
    assert after is not None
    assert (after.attempts, after.phones) == (1, [])


async def test_a_lease_that_was_lost_notes_nothing(stores: Stores):
    """Another process has it; and what is gone is not made anew."""
    await pending(stores)
    found = await stores.wake_ups.round(TRANSACTION, now=START)
    assert found is not None
    late = DueWork(DueKind.WAKE, TRANSACTION, LEASE - 1)
    assert not await stores.wake_ups.note(late, found, settled=[PHONE.device_id], again_at=None)
    assert await stores.wake_ups.round(TRANSACTION, now=START) == found
    await stores.due.finish(WORK)
    assert not await stores.wake_ups.note(WORK, found, settled=[PHONE.device_id], again_at=None)
    assert await stores.wake_ups.round(TRANSACTION, now=START) == found
    await stores.due.add(DueKind.WAKE, TRANSACTION, at=LEASE)
    await stores.commands.call("DEL", transaction_key(TRANSACTION))
    for _ in range(2):
        assert await stores.wake_ups.note(WORK, found, settled=[PHONE.device_id], again_at=None)
    assert await stores.commands.call("EXISTS", transaction_key(TRANSACTION)) == 0


async def test_work_that_is_due_already_stays_as_it_is(stores: Stores):
    """Announced again, a prompt wakes nobody later than it would."""
    await pending(stores)
    await stores.due.add(DueKind.WAKE, TRANSACTION, at=LEASE + 60_000)
    score = await stores.commands.call("ZSCORE", due_key(PARTITION), f"wake:{TRANSACTION}")
    assert int(score) == LEASE
