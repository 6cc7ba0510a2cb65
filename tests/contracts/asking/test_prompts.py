"""Open prompts: a bounded number a user, taken once, healed by time."""

import asyncio
from collections.abc import Iterable

import pytest

from ciba_service.ports import PromptReservation
from ciba_service.sca.factors.attempts import ATTEMPT_LIMIT
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import prompts_key, unanswered_key
from tests.contracts.store_builders import (
    CLIENT,
    EXPIRES_AT,
    LIMITS,
    PHONE_JWK,
    PROMPT_CAP,
    START,
    TAG,
    Stores,
    new_phone,
    processes,
    transaction_name,
)


@pytest.fixture
async def ready(stores: Stores) -> Stores:
    """A server on which Alice has a phone."""
    await stores.devices.add(TAG, new_phone(), PHONE_JWK, further=True, operation="enrolment")
    return stores


async def reserve(stores: Stores, number: int, **instants: int) -> PromptReservation:
    """Take a slot for a transaction."""
    times = {"now": START, "until": EXPIRES_AT} | instants
    return await stores.prompts.reserve(TAG, CLIENT, transaction_name(number), **times)


async def fail(stores: Stores, attempts: Iterable[int]) -> None:
    """Use up attempts."""
    for number in attempts:
        await stores.attempts.reserve(TAG, operation=f"attempt {number}", knowledge=True, now=START)


async def test_a_user_without_a_phone_cannot_be_asked(stores: Stores):
    """There is nobody to show it to, and nothing is kept."""
    assert await reserve(stores, 1) is PromptReservation.NO_DEVICE
    assert await stores.prompts.open(TAG, now=START) == []


async def test_a_user_whose_factors_are_locked_cannot_be_asked(ready: Stores):
    """From the fifth failure on there is no prompt."""
    await fail(ready, range(ATTEMPT_LIMIT - 1))
    assert await reserve(ready, 1) is PromptReservation.RESERVED
    await fail(ready, [ATTEMPT_LIMIT])
    assert await reserve(ready, 2) is PromptReservation.LOCKED
    assert await ready.prompts.open(TAG, now=START) == [transaction_name(1)]


async def test_open_prompts_are_listed_by_their_end(ready: Stores):
    """What expires first is first; what has expired, or is another's, is not there."""
    await reserve(ready, 1, until=EXPIRES_AT + 2)
    await reserve(ready, 2, until=EXPIRES_AT)
    names = [transaction_name(2), transaction_name(1)]
    assert await ready.prompts.open(TAG, now=EXPIRES_AT - 1) == names
    assert await ready.prompts.open(TAG, now=EXPIRES_AT) == names[1:]
    assert await ready.prompts.open(user_tag("bob"), now=START) == []


async def test_what_names_no_transaction_hides_no_prompt(ready: Stores):
    """Of other versions, or put there by hand."""
    await reserve(ready, 1)
    for member in (b"\xff" * 22, b"a name", b"v2." + transaction_name(2).encode()):
        await ready.commands.call("ZADD", prompts_key(TAG), EXPIRES_AT, member)
    assert await ready.prompts.open(TAG, now=START) == [transaction_name(1)]


async def test_of_fifty_prompts_at_once_only_so_many_open(redis_target: RedisTarget):
    """The cap holds however many are asked for at the same time."""
    async with processes(redis_target, 5) as several:
        await several[0].devices.add(
            TAG, new_phone(), PHONE_JWK, further=True, operation="enrolment"
        )
        outcomes = await asyncio.gather(
            *(reserve(several[number % 5], number) for number in range(50))
        )
        assert outcomes.count(PromptReservation.RESERVED) == PROMPT_CAP
        assert outcomes.count(PromptReservation.FULL) == 50 - PROMPT_CAP
        assert len(await several[0].prompts.open(TAG, now=START)) == PROMPT_CAP


async def test_a_slot_is_given_back_once(ready: Stores):
    """A released slot can be taken again, and releasing twice is no more than once."""
    for number in range(PROMPT_CAP):
        await reserve(ready, number)
    assert await reserve(ready, 99) is PromptReservation.FULL
    for _ in range(2):
        await ready.prompts.release(TAG, transaction_name(0))
    assert await reserve(ready, 98) is PromptReservation.RESERVED
    assert await reserve(ready, 99) is PromptReservation.FULL


async def test_what_is_taken_back_or_approved_gives_its_slot_back(ready: Stores):
    """And no other does."""
    for number in range(PROMPT_CAP):
        await reserve(ready, number)
    await ready.prompts.take_back(TAG, CLIENT, transaction_name(0))
    await ready.standing.approved(TAG, CLIENT, transaction_name(1))
    left = {transaction_name(number) for number in range(2, PROMPT_CAP)}
    assert set(await ready.prompts.open(TAG, now=START)) == left


async def test_a_forgotten_slot_heals_by_its_expiry(ready: Stores):
    """Prompts that have expired take no slot, even if nobody released them."""
    for number in range(PROMPT_CAP):
        await reserve(ready, number)
    assert await reserve(ready, 99, now=EXPIRES_AT - 1) is PromptReservation.FULL
    late = await reserve(ready, 99, now=EXPIRES_AT, until=EXPIRES_AT + 1)
    assert late is PromptReservation.RESERVED


async def test_a_slot_taken_again_by_the_same_transaction_is_the_same(ready: Stores):
    """A retry gets the first answer, although the user is full, locked or phoneless by now."""
    for number in range(PROMPT_CAP):
        await reserve(ready, number)
    await fail(ready, range(ATTEMPT_LIMIT))
    await ready.devices.revoke(new_phone().device_id, now=START)
    assert await reserve(ready, 0) is PromptReservation.RESERVED
    assert len(await ready.prompts.open(TAG, now=START)) == PROMPT_CAP


async def test_the_index_lives_as_long_as_its_longest_prompt(ready: Stores):
    """A later prompt extends the key's life, a shorter one does not shorten it."""
    for number, until in enumerate((EXPIRES_AT, EXPIRES_AT + 50, EXPIRES_AT - 50)):
        await reserve(ready, number, until=until)
    assert await ready.commands.call("PEXPIRETIME", prompts_key(TAG)) == EXPIRES_AT + 50


async def test_whose_prompts_are_open_is_known_as_long_as_they_are(ready: Stores):
    """Nor does a shorter one end that; else the client that left them open gets another place."""
    lifetime = 2 * LIMITS.window
    await reserve(ready, 1, until=START + lifetime)
    await reserve(ready, 2, until=START + 1)
    assert await ready.commands.call("PTTL", unanswered_key(TAG)) > lifetime - 60_000
