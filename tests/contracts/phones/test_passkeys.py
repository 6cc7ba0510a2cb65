"""Passkeys of a phone: each registered once, bounded in number, and their counts only rise."""

import asyncio
from dataclasses import replace

import msgspec
import pytest

from ciba_service.ports import StoreUnavailable
from ciba_service.sca.factors.attempts import ATTEMPT_LIMIT
from ciba_service.sca.factors.passkey_proofs import VerifiedPasskey
from ciba_service.sca.factors.passkeys import (
    MAXIMUM_PASSKEYS,
    Passkey,
    PasskeyKnown,
    TooManyPasskeys,
)
from ciba_service.sca.phones.devices import DeviceRevoked
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import attempts_key, counts_key, devices_key
from ciba_service.stores.sealing import SealingError
from tests.contracts.store_builders import (
    PASSKEY,
    PHONE_JWK,
    START,
    TAG,
    Stores,
    new_phone,
    processes,
)

PHONE = new_phone()


@pytest.fixture
async def enrolled(stores: Stores) -> Stores:
    """A store with a phone."""
    await enrol(stores)
    return stores


async def enrol(stores: Stores) -> None:
    """Enrol the phone."""
    await stores.devices.add(TAG, PHONE, PHONE_JWK, further=True, operation="enrolment")


def another(number: int) -> Passkey:
    """A passkey of another id and order."""
    return replace(PASSKEY, passkey_id=f"{number:022}", order=f"order {number}")


async def held(stores: Stores) -> tuple[Passkey, ...]:
    """What the phone has."""
    found = await stores.devices.find(PHONE.device_id)
    assert found is not None
    return found.passkeys


def counted(count: int, passkey: Passkey = PASSKEY) -> VerifiedPasskey:
    """A passkey that said so."""
    return VerifiedPasskey(passkey, count)


async def test_a_registered_passkey_is_found_with_its_phone(enrolled: Stores):
    """Whole, beside others, and none at another phone."""
    assert await held(enrolled) == ()
    await enrolled.devices.add_passkey(PHONE, PASSKEY)
    await enrolled.devices.add_passkey(PHONE, another(2))
    assert await held(enrolled) == (PASSKEY, another(2))
    await enrolled.devices.add(TAG, new_phone(2), PHONE_JWK, further=True, operation="second")
    second = await enrolled.devices.find(new_phone(2).device_id)
    assert second is not None
    assert second.passkeys == ()


async def test_the_same_order_registers_once(enrolled: Stores):
    """Another one of the same id is refused."""
    for _ in "ab":
        await enrolled.devices.add_passkey(PHONE, PASSKEY)
    with pytest.raises(PasskeyKnown):
        await enrolled.devices.add_passkey(PHONE, replace(PASSKEY, order="another"))
    assert await held(enrolled) == (PASSKEY,)


async def test_a_phone_has_so_many_and_no_more(redis_target: RedisTarget):
    """However many are registered at once, the limit holds, and none is lost."""
    async with processes(redis_target, 3) as several:
        await enrol(several[0])
        outcomes = await asyncio.gather(
            *(
                several[number % 3].devices.add_passkey(PHONE, another(number))
                for number in range(MAXIMUM_PASSKEYS + 3)
            ),
            return_exceptions=True,
        )
        added = sum(outcome is None for outcome in outcomes)
        assert len(await held(several[0])) == added <= MAXIMUM_PASSKEYS
        for number in range(100, 100 + MAXIMUM_PASSKEYS - added):
            await several[0].devices.add_passkey(PHONE, another(number))
        with pytest.raises(TooManyPasskeys):
            await several[1].devices.add_passkey(PHONE, another(99))


async def test_a_removed_passkey_is_gone_with_its_count(enrolled: Stores):
    """Once; the others stay."""
    await enrolled.devices.add_passkey(PHONE, PASSKEY)
    await enrolled.devices.add_passkey(PHONE, another(2))
    await enrolled.attempts.spend_count(PHONE.device_id, counted(9), operation="first")
    removals = [
        await enrolled.devices.remove_passkey(PHONE.device_id, PASSKEY.passkey_id, now=START)
        for _ in "ab"
    ]
    assert removals == [True, False]
    assert await held(enrolled) == (another(2),)
    assert await enrolled.commands.call("EXISTS", counts_key(TAG, PHONE.device_id)) == 0


async def test_a_phone_that_is_gone_has_no_passkeys(enrolled: Stores):
    """Nor can it get one; its counts go with it."""
    await enrolled.attempts.spend_count(PHONE.device_id, counted(9), operation="first")
    await enrolled.devices.revoke(PHONE.device_id, now=START)
    assert await enrolled.commands.call("EXISTS", counts_key(TAG, PHONE.device_id)) == 0
    with pytest.raises(DeviceRevoked):
        await enrolled.devices.add_passkey(PHONE, PASSKEY)
    with pytest.raises(DeviceRevoked):
        await enrolled.devices.remove_passkey(PHONE.device_id, PASSKEY.passkey_id, now=START)


async def test_an_approval_that_is_late_leaves_nothing_of_a_phone_that_is_gone(enrolled: Stores):
    """Its count is answered as ever, and not kept: nobody would take it away again."""
    await enrolled.devices.add_passkey(PHONE, PASSKEY)
    await enrolled.devices.revoke(PHONE.device_id, now=START)
    assert await enrolled.attempts.spend_count(PHONE.device_id, counted(9), operation="late")
    assert await enrolled.commands.call("EXISTS", counts_key(TAG, PHONE.device_id)) == 0


async def test_a_record_that_never_stands_still_is_given_up(
    enrolled: Stores, monkeypatch: pytest.MonkeyPatch
):
    """After a few times: the caller hears that the store cannot do it now."""
    await enrolled.devices.add_passkey(PHONE, PASSKEY)

    async def overtaken(*_: object, **__: object) -> bool:
        return False

    monkeypatch.setattr(type(enrolled.devices), "_replace", overtaken)
    with pytest.raises(StoreUnavailable):
        await enrolled.devices.add_passkey(PHONE, another(2))
    with pytest.raises(StoreUnavailable):
        await enrolled.devices.remove_passkey(PHONE.device_id, PASSKEY.passkey_id, now=START)


async def test_nobody_writes_a_passkey_of_their_own_into_the_store(enrolled: Stores):
    """Its key is sealed to phone and user: one that was sealed for another phone does not open."""
    await enrolled.devices.add_passkey(PHONE, PASSKEY)
    thief = new_phone(2)
    await enrolled.devices.add(TAG, thief, PHONE_JWK, further=True, operation="second")
    await enrolled.devices.add_passkey(thief, another(2))
    records = {
        name: msgspec.json.decode(await enrolled.commands.call("HGET", devices_key(TAG), name))
        for name in (PHONE.device_id, thief.device_id)
    }
    forged = records[PHONE.device_id] | {"passkeys": records[thief.device_id]["passkeys"]}
    await enrolled.commands.call(
        "HSET", devices_key(TAG), PHONE.device_id, msgspec.json.encode(forged)
    )
    with pytest.raises(SealingError):
        await enrolled.devices.find(PHONE.device_id)
    assert b"recognisable-passkey" not in msgspec.json.encode(records)


async def test_counts_only_rise(enrolled: Stores):
    """From that of the registration on; each is worth one operation, which keeps its answer."""
    spend = enrolled.attempts.spend_count
    assert not await spend(PHONE.device_id, counted(3), operation="as registered")
    assert await spend(PHONE.device_id, counted(5), operation="first")
    assert not await spend(PHONE.device_id, counted(5), operation="second")
    assert not await spend(PHONE.device_id, counted(4), operation="third")
    assert await spend(PHONE.device_id, counted(6), operation="fourth")
    assert await spend(PHONE.device_id, counted(5), operation="first")
    assert not await spend(PHONE.device_id, counted(0), operation="back to nothing")
    assert await spend(PHONE.device_id, counted(4, another(2)), operation="another passkey")


async def test_one_that_never_counts_is_fresh_until_it_does(enrolled: Stores):
    """Once it has counted it may not go back to zero."""
    spend, silent = enrolled.attempts.spend_count, replace(PASSKEY, sign_count=0)
    for operation in ("first", "second"):
        assert await spend(PHONE.device_id, counted(0, silent), operation=operation)
    assert await spend(PHONE.device_id, counted(1, silent), operation="third")
    assert not await spend(PHONE.device_id, counted(0, silent), operation="fourth")


async def test_of_many_uses_of_one_count_at_once_one_counts(redis_target: RedisTarget):
    """In whichever process."""
    async with processes(redis_target, 3) as several:
        await enrol(several[0])
        spent = await asyncio.gather(
            *(
                stores.attempts.spend_count(
                    PHONE.device_id, counted(9), operation=f"{number} of {process}"
                )
                for process, stores in enumerate(several)
                for number in range(5)
            )
        )
        assert sorted(spent) == [False] * 14 + [True]


async def test_what_did_not_verify_is_never_fresh(enrolled: Stores):
    """Nor is anything of what is no phone."""
    assert not await enrolled.attempts.spend_count(PHONE.device_id, None, operation="wrong")
    assert not await enrolled.attempts.spend_count("no phone", counted(9), operation="first")


async def test_a_proven_passkey_forgets_failed_passkeys_only(stores: Stores):
    """Those before it; wrong PINs stay, and a right one forgets all."""
    attempts = stores.attempts
    for operation, knowledge in (("pin", True), ("passkey", False), ("key", False)):
        await attempts.reserve(
            TAG,
            operation=operation,
            knowledge=knowledge,
            passkey=operation == "passkey",
            now=START,
        )
    await attempts.reserve(TAG, operation="right", knowledge=False, passkey=True, now=START)
    later = await attempts.reserve(TAG, operation="later", knowledge=False, passkey=True, now=START)
    assert later.left == 0 == ATTEMPT_LIMIT - await attempts.used(TAG)
    for _ in "ab":
        await attempts.succeeded(TAG, operation="right")
        left = await stores.commands.call("ZRANGE", attempts_key(TAG), 0, -1)
        assert left == [b"pin", b"key", b"passkey:later"]
    again = await attempts.reserve(TAG, operation="pin 2", knowledge=True, now=START)
    assert again.left == 1
    await attempts.succeeded(TAG, operation="pin 2")
    assert await attempts.used(TAG) == 0
