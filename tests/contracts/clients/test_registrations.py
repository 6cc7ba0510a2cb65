"""Registered clients are kept until they are removed."""

import asyncio

import msgspec
import pytest

from ciba_service.ports import UnknownRecordFormat
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import registration_key, registrations_key
from tests.contracts.store_builders import Stores, processes, registration


async def add(stores: Stores, client_id: str = "shop", **changed: object) -> None:
    """Register a client."""
    await stores.registrations.add(registration(client_id, **changed))


async def test_a_registration_is_found_as_it_was_kept(stores: Stores):
    """All of it, and nobody else's."""
    await add(stores)
    found = await stores.registrations.find("shop")
    assert found is not None
    assert (found.metadata, found.token_hash, found.issued_at, found.notification_hosts) == (
        registration().metadata,
        registration().token_hash,
        registration().issued_at,
        registration().notification_hosts,
    )
    assert (found.client.client_id, found.client.name) == ("shop", "Corner shop")
    assert await stores.registrations.find("another") is None


async def test_what_was_read_before_is_not_parsed_anew(stores: Stores):
    """The keys of a client are imported once, until it says something else."""
    await add(stores)
    first, second = [await stores.registrations.find("shop") for _ in range(2)]
    assert first is second
    await stores.registrations.replace(registration(client_name="New"), operation="update")
    third = await stores.registrations.find("shop")
    assert third is not None
    assert third.client.name == "New"


async def test_a_resent_update_undoes_no_later_one(stores: Stores):
    """An operation happens once; of two, the later one stands."""
    await add(stores)
    for name, operation in (("First", "one"), ("Second", "two"), ("First", "one")):
        changed = registration(client_name=name)
        assert await stores.registrations.replace(changed, operation=operation)
    found = await stores.registrations.find("shop")
    assert found is not None
    assert found.client.name == "Second"


async def test_a_removed_client_stays_removed(stores: Stores):
    """It is found by nobody, its name is kept no longer, and an update does not bring it back."""
    await add(stores)
    assert await stores.registrations.remove("shop", operation="removal")
    assert await stores.registrations.remove("shop", operation="removal")
    assert not await stores.registrations.remove("shop", operation="another")
    assert not await stores.registrations.replace(registration(), operation="update")
    assert await stores.registrations.find("shop") is None
    assert await stores.registrations.all() == []
    assert await stores.commands.call("EXISTS", registrations_key()) == 0


async def test_all_are_listed_in_their_order(stores: Stores):
    """Oldest first; of one time, by name."""
    for name in ("c", "a", "b"):
        await add(stores, name)
    await stores.registrations.remove("b", operation="removal")
    assert [each.client.client_id for each in await stores.registrations.all()] == ["a", "c"]


async def test_a_page_follows_the_one_before(stores: Stores):
    """Each once and in their order, also when the last of a page was removed meanwhile."""
    for name in ("c", "a", "b", "e", "d"):
        await add(stores, name)
    first, place = await stores.registrations.after(None, limit=2)
    assert [each.client.client_id for each in first] == ["a", "b"]
    await stores.registrations.remove("b", operation="removal")
    second, place = await stores.registrations.after(place, limit=2)
    assert [each.client.client_id for each in second] == ["c", "d"]
    last, place = await stores.registrations.after(place, limit=2)
    assert ([each.client.client_id for each in last], place) == (["e"], None)


async def test_a_full_page_that_is_the_last_says_so(stores: Stores):
    """Nobody asks for another that would be empty."""
    for name in ("a", "b"):
        await add(stores, name)
    page, place = await stores.registrations.after(None, limit=2)
    assert ([each.client.client_id for each in page], place) == (["a", "b"], None)


async def test_a_name_without_a_client_hides_no_other(stores: Stores):
    """It is being registered, or was being removed, by a process that is gone."""
    for name in ("a", "c"):
        await add(stores, name)
    await stores.commands.call("ZADD", registrations_key(), 0, "b")
    assert [each.client.client_id for each in await stores.registrations.all()] == ["a", "c"]
    page, place = await stores.registrations.after(None, limit=3)
    assert ([each.client.client_id for each in page], place) == (["a", "c"], None)


async def test_a_disabled_client_does_not_enable_itself(stores: Stores):
    """It is disabled whatever it replaces, until it is enabled; one that is gone is not there."""
    registrations = stores.registrations
    await add(stores)
    for _ in range(2):
        assert await registrations.suspend("shop", enabled=False)
    assert await registrations.replace(registration(client_name="New"), operation="update")
    found = await registrations.find("shop")
    assert found is not None
    assert (found.client.enabled, found.client.name) == (False, "New")
    assert await registrations.suspend("shop", enabled=True)
    found = await registrations.find("shop")
    assert found is not None
    assert found.client.enabled
    await registrations.suspend("shop", enabled=False)
    await registrations.remove("shop", operation="removal")
    assert not await registrations.suspend("shop", enabled=False)
    assert await registrations.find("shop") is None


async def test_of_two_removals_one_counts(redis_target: RedisTarget):
    """Two processes remove a client: one did it."""
    async with processes(redis_target, 2) as several:
        await add(several[0])
        removed = await asyncio.gather(
            *(
                stores.registrations.remove("shop", operation=f"by {at}")
                for at, stores in enumerate(several)
            )
        )
    assert sorted(removed) == [False, True]


@pytest.mark.parametrize("change", [{"v": 2}, {"profile": "lax"}, {"metadata": {}}])
async def test_another_format_is_refused(stores: Stores, change: dict[str, object]):
    """A record that this version does not understand is no client, and is left alone."""
    await add(stores)
    key = registration_key("shop")
    record = msgspec.json.decode(await stores.commands.call("HGET", key, "record"))
    written = msgspec.json.encode(record | change)
    await stores.commands.call("HSET", key, "record", written)
    with pytest.raises(UnknownRecordFormat):
        await stores.registrations.find("shop")
    assert await stores.commands.call("HGET", key, "record") == written
