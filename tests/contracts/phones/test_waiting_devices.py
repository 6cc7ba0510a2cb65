"""Phones that wait for approval: apart from the others, few, for a while, and approved once."""

import asyncio

import msgspec
import pytest

from ciba_service.ports import UnknownRecordFormat
from ciba_service.sca.messages import key_thumbprint
from ciba_service.sca.phones.devices import (
    MAXIMUM_DEVICES,
    MAXIMUM_WAITING,
    DeviceRevoked,
    new_device_id,
    user_tag,
)
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import devices_key, waiting_device_key, waiting_devices_key
from ciba_service.stores.sealing import SealingError
from tests.contracts.store_builders import (
    PHONE_JWK,
    START,
    TAG,
    Stores,
    new_phone,
    processes,
)

KEY = key_thumbprint(PHONE_JWK)
LIFETIME_MS = 900_000
UNTIL = START + LIFETIME_MS
FIRST = new_phone(1).device_id
SECOND = new_phone(2).device_id


async def enrol(stores: Stores, number: int = 1) -> None:
    """A phone that counts."""
    await stores.devices.add(
        TAG, new_phone(number), PHONE_JWK, further=True, operation=f"enrolment {number}"
    )


async def let_wait(stores: Stores, number: int = 2, *, now: int = START) -> str | None:
    """A phone that waits; its id, or None."""
    return await stores.waiting_devices.put(
        TAG,
        new_phone(number),
        PHONE_JWK,
        until=now + LIFETIME_MS,
        now=now,
        operation=f"enrolment {number}",
    )


async def approve(stores: Stores, operation: str, **changed: str) -> str | None:
    """Approve the second phone by the first, or as changed."""
    members = {"device_id": SECOND, "key": KEY, "asking": FIRST} | changed
    return await stores.waiting_devices.approve(
        members["device_id"],
        key=members["key"],
        asking=members["asking"],
        now=START + 5,
        operation=operation,
    )


async def test_a_phone_that_waits_is_none_of_the_users(stores: Stores):
    """It is found among those that wait with its secrets, and nowhere else."""
    await enrol(stores)
    assert await let_wait(stores) == SECOND
    waiting = await stores.waiting_devices.find(SECOND, now=START)
    assert waiting is not None
    assert (waiting.device.pin_key, waiting.device.totp_secret, waiting.until) == (
        new_phone().pin_key,
        new_phone().totp_secret,
        UNTIL,
    )
    assert await stores.devices.find(SECOND) is None
    assert not await stores.devices.is_active(SECOND)
    assert [each.device_id for each in await stores.devices.list(TAG)] == [FIRST]
    (told,) = await stores.waiting_devices.list(TAG, now=START)
    assert (told.device_id, told.name, told.key, told.since, told.until) == (
        SECOND,
        "Phone 2",
        KEY,
        START + 2,
        UNTIL,
    )


async def test_an_approved_phone_is_like_any_other(stores: Stores):
    """It has the secrets it waited with, counts from its approval, and waits no more."""
    await enrol(stores)
    await let_wait(stores)
    assert await approve(stores, "order") == "Phone 2"
    found = await stores.devices.find(SECOND)
    assert found is not None
    assert (found.pin_key, found.totp_secret) == (new_phone().pin_key, new_phone().totp_secret)
    assert found.enrolled_at == START + 5
    assert await stores.waiting_devices.find(SECOND, now=START) is None
    assert await stores.waiting_devices.list(TAG, now=START) == []
    assert await approve(stores, "order") == "Phone 2"
    assert await approve(stores, "another") is None


async def test_an_approval_sent_again_revives_no_revoked_phone(stores: Stores):
    """It gets its outcome, and changes nothing."""
    await enrol(stores)
    await let_wait(stores)
    await approve(stores, "order")
    await stores.devices.revoke(SECOND, now=START)
    assert await approve(stores, "order") == "Phone 2"
    assert not await stores.devices.is_active(SECOND)


async def test_only_an_enrolled_phone_of_the_same_user_approves(stores: Stores):
    """Neither the one that waits, nor one that was revoked, nor somebody else's."""
    await enrol(stores)
    await let_wait(stores)
    with pytest.raises(DeviceRevoked):
        await approve(stores, "its own", asking=SECOND)
    assert await approve(stores, "a", asking=new_device_id(user_tag("bob"), bytes)) is None
    assert await approve(stores, "b", device_id="nonsense") is None
    assert await approve(stores, "c", key="A" * 43) is None
    await stores.devices.revoke(FIRST, now=START)
    with pytest.raises(DeviceRevoked):
        await approve(stores, "d")
    with pytest.raises(DeviceRevoked):
        await stores.waiting_devices.reject(SECOND, asking=FIRST, operation="e", now=START)
    assert await stores.waiting_devices.find(SECOND, now=START) is not None


async def test_a_rejected_phone_is_gone_with_its_secrets(stores: Stores):
    """Rejected once, by a phone or by the operator; its enrolment sent again finds nothing."""
    await enrol(stores)
    waiting = stores.waiting_devices
    for number, asking in ((2, FIRST), (3, None)):
        device_id = await let_wait(stores, number)
        assert device_id is not None
        rejected = await waiting.reject(
            device_id, asking=asking, operation=f"no {number}", now=START
        )
        assert rejected == f"Phone {number}"
        assert await waiting.reject(device_id, asking=asking, operation="later", now=START) is None
        assert await stores.commands.call("EXISTS", waiting_device_key(TAG, device_id)) == 0
        assert await let_wait(stores, number) == device_id
        assert await waiting.find(device_id, now=START) is None
    assert await approve(stores, "order") is None
    stranger = new_device_id(user_tag("bob"), bytes)
    assert await waiting.reject(stranger, asking=FIRST, operation="x", now=START) is None


async def test_waiting_ends(stores: Stores):
    """From then on there is nothing to approve, and another may take the place."""
    await enrol(stores)
    await let_wait(stores)
    assert await stores.waiting_devices.find(SECOND, now=UNTIL) is None
    assert await stores.waiting_devices.list(TAG, now=UNTIL) == []
    late = await stores.waiting_devices.approve(
        SECOND, key=KEY, asking=FIRST, now=UNTIL, operation="order"
    )
    assert late is None
    assert not await stores.devices.is_active(SECOND)


async def test_who_waits_is_forgotten_with_its_end(stores: Stores):
    """The server itself ends the records and their list, the list no sooner than any record."""
    await enrol(stores)
    await let_wait(stores, 2)
    await stores.waiting_devices.put(
        TAG, new_phone(3), PHONE_JWK, until=START + 1_000, now=START, operation="shorter"
    )
    for key, most in (
        (waiting_devices_key(TAG), LIFETIME_MS),
        (waiting_device_key(TAG, SECOND), LIFETIME_MS),
        (waiting_device_key(TAG, new_phone(3).device_id), 1_000),
    ):
        left = await stores.commands.call("PTTL", key)
        assert most - 60_000 < left <= most


async def test_so_many_wait_and_no_more(redis_target: RedisTarget):
    """However many come at once; phones that count leave less room; without one nobody waits."""
    async with processes(redis_target, 3) as several:
        assert await let_wait(several[0]) is None
        await enrol(several[0])
        ids = await asyncio.gather(
            *(let_wait(several[number % 3], number) for number in range(2, 12))
        )
        assert sum(device_id is not None for device_id in ids) == MAXIMUM_WAITING
        later = await let_wait(several[0], 20, now=UNTIL)
        assert later is not None
        for number in range(30, 30 + MAXIMUM_DEVICES - 2):
            await enrol(several[0], number)
        assert await let_wait(several[0], 21, now=UNTIL) is None


async def test_whoever_waits_no_more_leaves_its_place(stores: Stores):
    """At once, and not only when its time would have been over."""
    await enrol(stores)
    for number in range(2, 2 + MAXIMUM_WAITING):
        assert await let_wait(stores, number) is not None
    assert await let_wait(stores, 20) is None
    assert await approve(stores, "order") == "Phone 2"
    assert await let_wait(stores, 21) is not None
    third = new_phone(3).device_id
    assert (
        await stores.waiting_devices.reject(third, asking=None, operation="no", now=START)
        == "Phone 3"
    )
    assert await let_wait(stores, 22) is not None


async def test_without_its_record_no_phone_is_listed_or_approved(stores: Stores):
    """The server may have ended it by its own clock, while it still waits by ours."""
    await enrol(stores)
    await let_wait(stores)
    await stores.commands.call("DEL", waiting_device_key(TAG, SECOND))
    assert await stores.waiting_devices.list(TAG, now=START) == []
    assert await approve(stores, "order") is None
    assert not await stores.devices.is_active(SECOND)


async def test_of_approval_and_rejection_at_once_one_counts(redis_target: RedisTarget):
    """Whichever came first; the phone is enrolled exactly if the approval did."""
    async with processes(redis_target, 2) as (one, other):
        await enrol(one)
        await let_wait(one)
        approved, rejected = await asyncio.gather(
            approve(one, "order"),
            other.waiting_devices.reject(SECOND, asking=FIRST, operation="no", now=START),
        )
        assert sorted([approved is None, rejected is None]) == [False, True]
        assert await one.devices.is_active(SECOND) is (approved is not None)


@pytest.mark.parametrize("change", ["subject", "jwk"])
async def test_a_changed_record_is_not_approved(stores: Stores, change: str):
    """Who writes another user or key into the store gets no phone with it, nor by moving it."""
    await enrol(stores)
    await let_wait(stores)
    place = waiting_device_key(TAG, SECOND)
    record = msgspec.json.decode(await stores.commands.call("GET", place))
    await stores.commands.call(
        "HSET", devices_key(TAG), SECOND, msgspec.json.encode(record["device"])
    )
    with pytest.raises(SealingError):
        await stores.devices.find(SECOND)
    record["device"][change] = {"subject": "mallory", "jwk": {"kty": "EC"}}[change]
    await stores.commands.call("SET", place, msgspec.json.encode(record), "PX", 60_000)
    with pytest.raises(SealingError):
        await approve(stores, "order")


async def test_a_record_of_another_format_is_refused_and_can_be_rejected(stores: Stores):
    """It is neither shown nor approved."""
    await enrol(stores)
    place = waiting_device_key(TAG, SECOND)
    for record in ("nonsense", "[]", '{"device": 7}', '{"v": 2}'):
        await let_wait(stores)
        await stores.commands.call("SET", place, record, "PX", 60_000)
        for reading in (
            stores.waiting_devices.find(SECOND, now=START),
            approve(stores, "order"),
        ):
            with pytest.raises(UnknownRecordFormat):
                await reading
        rejected = await stores.waiting_devices.reject(
            SECOND, asking=FIRST, operation=record, now=START
        )
        assert rejected == ""


@pytest.mark.parametrize("name", ["", "x", "é" * 43, "A" * 44])
async def test_what_is_no_phones_name_does_not_wait(stores: Stores, name: str):
    """It is neither found nor rejected."""
    assert await stores.waiting_devices.find(name, now=START) is None
    assert await stores.waiting_devices.reject(name, asking=None, operation="x", now=START) is None
