"""Lasting accesses of a user: bounded, listed by their end, healed by time."""

import asyncio

from ciba_service.sca.phones.accesses import MAXIMUM_ACCESSES
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import accesses_key
from tests.contracts.store_builders import (
    START,
    TAG,
    Stores,
    processes,
    transaction_name,
)

UNTIL = START + 3_600_000


async def reserve(stores: Stores, number: int, until: int = UNTIL, now: int = START) -> list[str]:
    """Take a place; what there is no room for."""
    name = transaction_name(number)
    return list(await stores.accesses.reserve(TAG, name, now=now, until=until))


def named(*numbers: int) -> list[str]:
    """Names of transactions."""
    return [transaction_name(number) for number in numbers]


async def test_the_last_to_end_is_the_first_that_is_named(stores: Stores):
    """What has ended, or is another's, is not there."""
    await reserve(stores, 1, UNTIL)
    await reserve(stores, 2, UNTIL + 2)
    assert await stores.accesses.names(TAG, now=UNTIL - 1) == named(2, 1)
    assert await stores.accesses.names(TAG, now=UNTIL) == named(2)
    assert await stores.accesses.names(user_tag("bob"), now=START) == []
    has = stores.accesses.has
    assert await has(TAG, transaction_name(1), now=UNTIL - 1)
    assert not await has(TAG, transaction_name(1), now=UNTIL)
    assert not await has(user_tag("bob"), transaction_name(1), now=START)


async def test_an_end_is_put_off_and_never_brought_forward(stores: Stores):
    """Of two refreshes at once the later counts, in whichever order they arrive."""
    for until in (UNTIL, UNTIL + 9, UNTIL + 5):
        await reserve(stores, 1, until)
    assert await stores.accesses.names(TAG, now=UNTIL + 8) == named(1)
    assert await stores.accesses.names(TAG, now=UNTIL + 9) == []


async def test_the_index_lives_as_long_as_its_longest_access(stores: Stores):
    """A later one extends the key's life, a shorter one does not shorten it."""
    for number, until in enumerate((UNTIL, UNTIL + 50, UNTIL - 50)):
        await reserve(stores, number, until)
    assert await stores.commands.call("PEXPIRETIME", accesses_key(TAG)) == UNTIL + 50


async def test_there_is_no_room_for_the_first_to_end(stores: Stores):
    """Beyond the cap they are named, a few at a time, until they are given up; never the new."""
    for number in range(MAXIMUM_ACCESSES):
        assert await reserve(stores, number, UNTIL + number) == []
    assert await reserve(stores, 900, UNTIL + 900) == named(0)
    assert await reserve(stores, 901, UNTIL + 901) == named(0, 1)
    for number in range(902, 910):
        await reserve(stores, number, UNTIL - 1)
    assert len(await reserve(stores, 910, UNTIL - 2)) == 5
    assert transaction_name(910) not in await reserve(stores, 910, UNTIL - 2)
    assert len(await stores.accesses.names(TAG, now=START)) == MAXIMUM_ACCESSES
    crowded = await reserve(stores, 911)
    for name in crowded:
        await stores.accesses.remove(TAG, name, now=START)
    assert not set(crowded) & set(await reserve(stores, 911, now=START))


async def test_forgotten_places_heal_by_their_end(stores: Stores):
    """What has ended takes no room, even if nobody gave it up."""
    for number in range(MAXIMUM_ACCESSES):
        await reserve(stores, number)
    assert await reserve(stores, 900, UNTIL + 1, now=UNTIL) == []
    assert await stores.commands.call("ZCARD", accesses_key(TAG)) == 1


async def test_a_place_fades_and_is_not_made_by_fading(stores: Stores):
    """It is known for half an hour at most, or as long as it would have been."""
    await reserve(stores, 1)
    await reserve(stores, 2, START + 5)
    for number in (1, 2, 3):
        await stores.accesses.fade(TAG, transaction_name(number), now=START)
    has = stores.accesses.has
    assert await has(TAG, transaction_name(1), now=START + 1_799_999)
    assert not await has(TAG, transaction_name(1), now=START + 1_800_000)
    assert not await has(TAG, transaction_name(2), now=START + 5)
    assert not await has(TAG, transaction_name(3), now=START)


async def test_of_many_at_once_each_beyond_the_cap_is_told(redis_target: RedisTarget):
    """Whoever takes a place beyond the cap is told of one to end for it."""
    async with processes(redis_target, 5) as several:
        told = await asyncio.gather(
            *(
                reserve(several[number % 5], number, UNTIL + number)
                for number in range(MAXIMUM_ACCESSES + 20)
            )
        )
        assert sum(map(bool, told)) == 20
