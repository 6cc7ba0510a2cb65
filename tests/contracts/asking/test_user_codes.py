"""Attempts at a user's code count for each client and user, and fade."""

import asyncio

from ciba_service.protocol.request.user_code import ATTEMPT_LIMIT, ATTEMPT_WINDOW
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.driver.target import RedisTarget
from tests.contracts.store_builders import CLIENT, START, TAG, Stores, processes

WINDOW_MS = ATTEMPT_WINDOW * 1000


async def reserve(
    stores: Stores, operation: str, *, tag: str = TAG, client: str = CLIENT, now: int = START
) -> bool:
    """Reserve an attempt of the till at Alice's code."""
    return await stores.user_codes.reserve(tag, client, operation=operation, now=now)


async def use_up(stores: Stores) -> None:
    """As many attempts as count."""
    for number in range(ATTEMPT_LIMIT):
        assert await reserve(stores, f"attempt {number}")


async def test_attempts_count_up_to_the_limit(stores: Stores):
    """Then none, except that a resent one is still the same."""
    await use_up(stores)
    assert not await reserve(stores, "one too many")
    assert await reserve(stores, "attempt 0")


async def test_clients_and_users_do_not_lock_each_other(stores: Stores):
    """Another client may still ask this user, this client another; no phone is locked."""
    await use_up(stores)
    assert await reserve(stores, "it", client="other-till")
    assert await reserve(stores, "it", tag=user_tag("bob"))
    assert await stores.attempts.used(TAG) == 0


async def test_attempts_fade(stores: Stores):
    """Each counts for an hour."""
    await use_up(stores)
    assert not await reserve(stores, "early", now=START + WINDOW_MS - 1)
    assert await reserve(stores, "late", now=START + WINDOW_MS)


async def test_an_attempt_can_be_taken_back(stores: Stores):
    """Only this one; the others go on counting."""
    await use_up(stores)
    await stores.user_codes.take_back(TAG, CLIENT, operation="attempt 3")
    assert await reserve(stores, "another")
    assert not await reserve(stores, "one too many")


async def test_a_right_code_forgets_the_wrong_ones(stores: Stores):
    """All attempts of this client at this user so far, and none that was made later."""
    await use_up(stores)
    await stores.user_codes.succeeded(TAG, CLIENT, now=START)
    await use_up(stores)
    await stores.user_codes.succeeded(TAG, CLIENT, now=START - 1)
    assert not await reserve(stores, "one too many")


async def test_of_many_attempts_at_once_only_so_many_count(redis_target: RedisTarget):
    """Two processes together reserve exactly the limit."""
    async with processes(redis_target, 2) as several:
        reserved = await asyncio.gather(
            *(reserve(stores, f"{at}-{n}") for at, stores in enumerate(several) for n in range(9))
        )
    assert sum(reserved) == ATTEMPT_LIMIT
