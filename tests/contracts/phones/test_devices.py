"""Enrolled phones: added once, bounded in number, gone when revoked."""

import asyncio

import msgspec
import pytest
from joserfc.jwk import ECKey

from ciba_service.ports import DeviceRecord, StoreUnavailable, UnknownRecordFormat
from ciba_service.sca.phones.devices import (
    MAXIMUM_DEVICES,
    DeviceRevoked,
    new_device_id,
    user_tag,
    user_tag_of,
)
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import devices_key
from ciba_service.stores.sealing import SealingError
from tests.contracts.store_builders import PHONE_JWK, START, TAG, Stores, new_phone, processes

OTHER_JWK = ECKey.generate_key("P-256", private=False).as_dict(private=False)


async def enrol(
    stores: Stores, number: int = 1, operation: str | None = None, *, further: bool = True
) -> str | None:
    """Enrol a phone; its id, or None."""
    added = await stores.devices.add(
        TAG,
        new_phone(number),
        PHONE_JWK,
        further=further,
        operation=operation or f"enrolment {number}",
    )
    return added.device_id if added else None


async def test_an_enrolled_phone_is_found_with_its_secrets(stores: Stores):
    """What was stored comes back whole, and its key carries the phone's name."""
    phone = new_phone()
    added = await stores.devices.add(TAG, phone, PHONE_JWK, further=True, operation="enrolment")
    found = await stores.devices.find(phone.device_id)
    assert found is not None
    assert added == found
    assert (found.subject, found.name, found.enrolled_at) == ("alice", "Phone 1", phone.enrolled_at)
    assert (found.pin_key, found.totp_secret) == (phone.pin_key, phone.totp_secret)
    assert found.key.kid == phone.device_id
    assert await stores.devices.is_active(phone.device_id)


@pytest.mark.parametrize("name", ["", "x", "*", new_phone(9).device_id, "é" * 43, "A" * 44])
async def test_what_was_never_enrolled_is_not_found(stores: Stores, name: str):
    """Neither an unknown phone nor what is no phone's name is found, active, or revoked."""
    await enrol(stores)
    assert await stores.devices.find(name) is None
    assert not await stores.devices.is_active(name)
    assert await stores.devices.revoke(name, now=START) is None


async def test_phones_are_listed_oldest_first(stores: Stores):
    """Operators see names and dates, in order, and only those of the user."""
    for number in (3, 1, 2):
        await enrol(stores, number)
    phones = [new_phone(number) for number in (1, 2, 3)]
    expected = [DeviceRecord(phone.device_id, phone.name, phone.enrolled_at) for phone in phones]
    assert await stores.devices.list(TAG) == expected
    assert await stores.devices.list(user_tag("bob")) == []


async def test_an_enrolment_sent_again_is_the_same_phone(stores: Stores):
    """The same operation gets the phone it enrolled before, and no second one."""
    first = await enrol(stores, 1, "enrolment")
    assert await enrol(stores, 2, "enrolment") == first
    assert len(await stores.devices.list(TAG)) == 1


async def test_a_user_has_so_many_phones_and_no_more(redis_target: RedisTarget):
    """However many enrol at once, the limit holds."""
    async with processes(redis_target, 3) as several:
        enrolled = await asyncio.gather(
            *(enrol(several[number % 3], number) for number in range(1, 2 * MAXIMUM_DEVICES + 1))
        )
        assert sum(device_id is not None for device_id in enrolled) == MAXIMUM_DEVICES
        assert len(await several[0].devices.list(TAG)) == MAXIMUM_DEVICES


async def test_the_first_phone_is_the_first(redis_target: RedisTarget):
    """Of phones that may not be further ones, only one is enrolled, however many come at once."""
    async with processes(redis_target, 3) as several:
        enrolled = await asyncio.gather(
            *(enrol(several[number % 3], number, further=False) for number in range(1, 10))
        )
        assert sum(device_id is not None for device_id in enrolled) == 1
        assert await enrol(several[0], 10, further=False) is None
        assert await enrol(several[0], 11, further=True) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "mallory"},
        {"jwk": OTHER_JWK},
        {"jwk": {**PHONE_JWK, "alg": "ES256"}},
        {"jwk": {**PHONE_JWK, "d": "AAAA"}},
        {"jwk": {}},
    ],
    ids=["user", "key", "algorithm", "private key", "no key"],
)
async def test_the_secrets_of_a_changed_record_do_not_open(
    stores: Stores, change: dict[str, object]
):
    """Who writes another user or another key into the store gets no secrets with them."""
    await enrol(stores)
    phone = new_phone()
    record = msgspec.json.decode(
        await stores.commands.call("HGET", devices_key(TAG), phone.device_id)
    )
    changed = msgspec.json.encode(record | change)
    await stores.commands.call("HSET", devices_key(TAG), phone.device_id, changed)
    with pytest.raises(SealingError):
        await stores.devices.find(phone.device_id)


@pytest.mark.clause("nist63b-4.3-1")
async def test_a_revoked_phone_is_gone_with_its_secrets(stores: Stores):
    """From that moment it may not act, its secrets are destroyed, and others remain."""
    phone = await enrol(stores, 1)
    await enrol(stores, 2)
    assert phone is not None
    assert await stores.devices.revoke(phone, now=START)
    assert await stores.devices.find(phone) is None
    assert not await stores.devices.is_active(phone)
    assert await stores.devices.revoke(phone, now=START) is None
    assert await stores.commands.call("HEXISTS", devices_key(TAG), phone) == 0
    assert await stores.devices.is_active(new_phone(2).device_id)


async def test_an_enrolment_sent_again_revives_no_revoked_phone(stores: Stores):
    """Whoever resends the enrolment of a revoked phone gets nothing."""
    phone = await enrol(stores, 1, "enrolment")
    assert phone is not None
    await stores.devices.revoke(phone, now=START)
    assert await enrol(stores, 1, "enrolment") is None
    assert await stores.devices.list(TAG) == []


async def test_a_phone_belongs_to_the_user_in_its_name():
    """The tag of its user can be read from the name of a phone."""
    assert user_tag_of(new_phone().device_id) == TAG


@pytest.mark.parametrize(
    "change",
    [{"v": 2}, {"v": 2, "pin_key": None}, {"v": "1"}, {"pin_key": None}, {"jwk": 7}],
    ids=str,
)
async def test_a_record_of_another_format_is_refused(stores: Stores, change: dict[str, object]):
    """Whatever else the format has or lacks, it is refused cleanly and left as it is."""
    phone = await enrol(stores)
    assert phone is not None
    key = devices_key(TAG)
    record = msgspec.json.decode(await stores.commands.call("HGET", key, phone)) | change
    await stores.commands.call("HSET", key, phone, msgspec.json.encode(record))
    for reading in (stores.devices.find(phone), stores.devices.list(TAG)):
        with pytest.raises(UnknownRecordFormat):
            await reading
    assert msgspec.json.decode(await stores.commands.call("HGET", key, phone)) == record


async def test_a_record_that_is_no_json_is_refused(stores: Stores):
    """Damage is refused as an unknown format is."""
    phone = await enrol(stores)
    assert phone is not None
    await stores.commands.call("HSET", devices_key(TAG), phone, b"\xff")
    with pytest.raises(UnknownRecordFormat):
        await stores.devices.find(phone)


async def test_a_name_and_a_pin_change_at_once_and_both_are_kept(stores: Stores):
    """Neither writes over the other."""
    device_id = await enrol(stores)
    assert device_id is not None
    found = await stores.devices.find(device_id)
    assert found is not None
    await asyncio.gather(
        stores.devices.rename(device_id, "New"),
        stores.devices.change_pin(found, bytes(32), operation="order"),
    )
    changed = await stores.devices.find(device_id)
    assert changed is not None
    assert (changed.name, changed.pin_key, changed.pin_order) == ("New", bytes(32), "order")


async def test_a_changed_pin_is_confirmed_and_overtaken(stores: Stores):
    """The same operation again is true; one that started from the key before is not."""
    found = await stores.devices.find(await enrol(stores) or "")
    assert found is not None
    for operation, changes in (("first", True), ("first", True), ("second", False)):
        assert await stores.devices.change_pin(found, bytes(32), operation=operation) is changes


async def test_what_is_not_enrolled_changes_nothing(stores: Stores):
    """Neither name nor PIN of a phone that is gone, nor of what is no phone's name."""
    for device_id in (new_phone().device_id, "nonsense"):
        with pytest.raises(DeviceRevoked):
            await stores.devices.rename(device_id, "New")
    with pytest.raises(DeviceRevoked):
        await stores.devices.change_pin(new_phone(), bytes(32), operation="order")


async def test_a_record_that_changes_all_the_time_is_left(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
):
    """After a few tries it is said that the store cannot be reached."""
    device_id = await enrol(stores)
    assert device_id is not None
    found = await stores.devices.find(device_id)
    assert found is not None

    async def overtaken(*_: object, **__: object) -> bool:
        return False

    monkeypatch.setattr(type(stores.devices), "_replace", overtaken)
    with pytest.raises(StoreUnavailable):
        await stores.devices.rename(device_id, "New")
    with pytest.raises(StoreUnavailable):
        await stores.devices.change_pin(found, bytes(32), operation="order")


async def test_a_phone_is_revoked_for_one_of_the_same_user_only(stores: Stores):
    """One that is enrolled itself, in that very step."""
    first, second = await enrol(stores, 1), await enrol(stores, 2)
    assert first is not None
    assert second is not None
    stranger = new_device_id(user_tag("bob"), bytes)
    assert await stores.devices.revoke_for(stranger, first, operation="a", now=START) is None
    assert await stores.devices.revoke_for(first, second, operation="b", now=START) == "Phone 2"
    with pytest.raises(DeviceRevoked):
        await stores.devices.revoke_for(second, first, operation="c", now=START)
    assert await stores.devices.is_active(first)


async def test_a_phone_of_another_format_can_be_revoked(stores: Stores):
    """Whatever its record says."""
    phone = new_phone().device_id
    for record in ("nonsense", "[]", "{}"):
        await stores.commands.call("HSET", devices_key(TAG), phone, record)
        assert await stores.devices.revoke(phone, now=START) is not None
        assert not await stores.devices.is_active(phone)
