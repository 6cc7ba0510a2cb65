"""Login handles: few of a user count at once, each is used once, none outlives its phone."""

import asyncio

from ciba_service.ports import HandleReservation, PresentedHandle
from ciba_service.sca.factors.attempts import ATTEMPT_LIMIT
from ciba_service.sca.phones.login_handles import HANDLE_LIMIT
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import handles_key
from tests.contracts.store_builders import (
    PHONE_JWK,
    START,
    TAG,
    Stores,
    new_phone,
    processes,
)

UNTIL = START + 180_000
PHONE = new_phone()


def handle(number: int) -> str:
    """A handle of its own for each number."""
    return f"ciba-handle:{number:021}A"


async def enrol(stores: Stores) -> None:
    """Enrol Alice's phone."""
    await stores.devices.add(TAG, PHONE, PHONE_JWK, further=True, operation="enrolment")


async def reserve(stores: Stores, number: int, *, until: int = UNTIL) -> HandleReservation:
    """Let a handle of Alice's phone count."""
    return await stores.login_handles.reserve(handle(number), PHONE, now=START, until=until)


async def presented(stores: Stores, number: int) -> PresentedHandle:
    """What a handle was made for."""
    found = await stores.login_handles.find(handle(number))
    assert found is not None
    return found


async def use(stores: Stores, number: int, operation: str = "it", now: int = START) -> bool:
    """Use a handle."""
    found = await presented(stores, number)
    return await stores.login_handles.use(found, operation=operation, now=now)


async def test_a_handle_is_used_once(stores: Stores):
    """By one operation, which is told so again; another finds it used."""
    await enrol(stores)
    assert await reserve(stores, 1) is HandleReservation.RESERVED
    found = await presented(stores, 1)
    assert (found.subject, found.device_id) == ("alice", PHONE.device_id)
    assert [await use(stores, 1, name) for name in ("first", "second", "first")] == [
        True,
        False,
        True,
    ]


async def test_an_unknown_handle_leads_nowhere(stores: Stores):
    """Nothing is found."""
    assert await stores.login_handles.find(handle(1)) is None


async def test_a_handle_counts_until_its_end(stores: Stores):
    """Not at that millisecond any more."""
    await enrol(stores)
    for number in (1, 2):
        await reserve(stores, number)
    assert not await use(stores, 1, now=UNTIL)
    assert await use(stores, 2, now=UNTIL - 1)


async def test_a_further_handle_replaces_the_oldest(stores: Stores):
    """So many count at once, and no more."""
    await enrol(stores)
    for number in range(HANDLE_LIMIT + 1):
        await reserve(stores, number, until=UNTIL + number)
    used = [await use(stores, number, f"use {number}") for number in range(HANDLE_LIMIT + 1)]
    assert used == [False] + [True] * HANDLE_LIMIT


async def test_a_handle_that_is_made_again_takes_the_place_of_none(stores: Stores):
    """Its reply was lost; as many as may count are there already."""
    await enrol(stores)
    for number in (*range(HANDLE_LIMIT), HANDLE_LIMIT - 1):
        reserved = await reserve(stores, number, until=UNTIL + number)
        assert reserved is HandleReservation.RESERVED
    used = [await use(stores, number, f"use {number}") for number in range(HANDLE_LIMIT)]
    assert used == [True] * HANDLE_LIMIT


async def test_handles_are_kept_until_the_last_one_ends(stores: Stores):
    """One that ends before it, or after it, ends no other."""
    await enrol(stores)
    for number, until in enumerate((UNTIL, UNTIL + 2_000, UNTIL + 1_000)):
        await reserve(stores, number, until=until)
    assert await stores.commands.call("PEXPIRETIME", handles_key(TAG)) == UNTIL + 2_000


async def test_a_handle_needs_its_phone(stores: Stores):
    """At its making, and at its use."""
    assert await reserve(stores, 1) is HandleReservation.NO_DEVICE
    assert not await use(stores, 1)
    await enrol(stores)
    await reserve(stores, 2)
    await stores.devices.revoke(PHONE.device_id, now=START)
    assert not await use(stores, 2)


async def test_a_locked_user_gets_no_handle(stores: Stores):
    """From the fifth failure on."""
    await enrol(stores)
    for number in range(ATTEMPT_LIMIT):
        name = f"attempt {number}"
        await stores.attempts.reserve(TAG, operation=name, knowledge=True, now=START)
    assert await reserve(stores, 1) is HandleReservation.LOCKED
    assert not await use(stores, 1)


async def test_of_many_uses_at_once_one_wins(redis_target: RedisTarget):
    """Over several processes."""
    async with processes(redis_target, 3) as several:
        await enrol(several[0])
        await reserve(several[0], 1)
        used = await asyncio.gather(
            *(use(several[number % 3], 1, f"use {number}") for number in range(30))
        )
    assert sum(used) == 1
