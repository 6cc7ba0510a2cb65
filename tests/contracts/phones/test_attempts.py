"""Failed attempts are counted before anything is evaluated; a one-time code is spent once."""

import asyncio

import pytest

from ciba_service.sca.factors.attempts import (
    ATTEMPT_LIMIT,
    Attempt,
    AttemptLimits,
    LockedError,
    PausedError,
)
from ciba_service.sca.factors.factors import NO_STEP
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.target import RedisTarget
from tests.contracts.store_builders import START, TAG, Stores, new_phone, processes, stores_over

PHONE = new_phone().device_id
STEP = 59_841_000


async def reserve(
    stores: Stores,
    *,
    operation: str,
    tag: str = TAG,
    knowledge: bool = True,
    now: int = START,
) -> Attempt:
    """Reserve an attempt that would prove the PIN."""
    return await stores.attempts.reserve(tag, operation=operation, knowledge=knowledge, now=now)


async def test_attempts_count_up_to_the_lock(stores: Stores):
    """Five attempts, each with fewer left, and then none; the lock changes no counter."""
    for number in range(1, ATTEMPT_LIMIT + 1):
        attempt = await reserve(stores, operation=f"attempt {number}")
        assert (attempt, attempt.left) == (Attempt(number, START), ATTEMPT_LIMIT - number)
    for _ in range(2):
        with pytest.raises(LockedError):
            await reserve(stores, operation="one too many")
    assert await stores.attempts.used(TAG) == ATTEMPT_LIMIT


async def test_a_resent_attempt_is_the_same_attempt(stores: Stores):
    """The same operation counts once, even after the lock and after other attempts."""
    for number in range(1, ATTEMPT_LIMIT + 1):
        await reserve(stores, operation=f"attempt {number}")
    for number in range(1, ATTEMPT_LIMIT + 1):
        attempt = await reserve(stores, operation=f"attempt {number}")
        assert attempt.number == number
    assert await stores.attempts.used(TAG) == ATTEMPT_LIMIT


async def test_users_do_not_lock_each_other(stores: Stores):
    """Whatever one user fails leaves another's attempts alone."""
    bob = user_tag("bob")
    for number in range(ATTEMPT_LIMIT):
        await reserve(stores, operation=f"attempt {number}")
    assert await reserve(stores, tag=bob, operation="attempt") == Attempt(1, START)
    assert await stores.attempts.used(user_tag("carol")) == 0


@pytest.mark.clause("sca-art4-7")
async def test_a_proven_pin_forgets_what_came_before_it(stores: Stores):
    """Attempts made after the successful one still count, however late its success is noted."""
    for name in ("wrong", "right", "later"):
        await reserve(stores, operation=name)
    for _ in range(2):
        await stores.attempts.succeeded(TAG, operation="right")
        assert await stores.attempts.used(TAG) == 1
    assert await reserve(stores, operation="after it") == Attempt(2, START)


async def test_a_lock_does_not_fade_with_an_older_success(stores: Stores):
    """Five failures after a success stay five when that success is noted late, and lock."""
    await reserve(stores, operation="right")
    for number in range(1, ATTEMPT_LIMIT):
        await reserve(stores, operation=f"wrong {number}")
    await stores.attempts.succeeded(TAG, operation="right")
    await reserve(stores, operation="wrong 5")
    await stores.attempts.succeeded(TAG, operation="right")
    with pytest.raises(LockedError):
        await reserve(stores, operation="one too many")


@pytest.mark.clause("sca-art4-7")
async def test_possession_alone_gives_no_new_guesses(stores: Stores):
    """A success that proved no PIN takes back only its own attempt."""
    for name in ("wrong", "wrong again"):
        await reserve(stores, operation=name)
    for number in range(2 * ATTEMPT_LIMIT):
        await reserve(stores, operation=f"no pin {number}", knowledge=False)
        await stores.attempts.succeeded(TAG, operation=f"no pin {number}")
    assert await stores.attempts.used(TAG) == 2


async def test_the_success_of_an_attempt_nobody_made_is_nothing(stores: Stores):
    """Neither an unknown operation nor one that an unlock has forgotten takes any attempt back."""
    await reserve(stores, operation="before the unlock")
    await stores.attempts.unlock(TAG)
    await reserve(stores, operation="wrong")
    for operation in ("before the unlock", "never made"):
        await stores.attempts.succeeded(TAG, operation=operation)
    assert await stores.attempts.used(TAG) == 1


async def test_a_resent_attempt_keeps_its_instant(stores: Stores):
    """What is sent again is evaluated at the time of the first, not at a better one."""
    first = await reserve(stores, operation="attempt")
    again = await reserve(stores, operation="attempt", now=START + 60_000)
    assert again == first


async def test_an_unlock_forgets_all(stores: Stores):
    """The operator gives all five attempts back."""
    for number in range(ATTEMPT_LIMIT):
        await reserve(stores, operation=f"attempt {number}")
    await stores.attempts.unlock(TAG)
    assert await reserve(stores, operation="attempt") == Attempt(1, START)


@pytest.mark.clause("sca-art4-10")
async def test_the_pause_is_before_the_last_attempt_only(commands: Commands):
    """Over to the millisecond; whoever has proved the PIN meanwhile waits for nothing."""
    stores = stores_over(commands, attempt_limits=AttemptLimits(3, 60_000))
    for number in (1, 2):
        await reserve(stores, operation=f"attempt {number}")
    with pytest.raises(PausedError):
        await reserve(stores, operation="early", now=START + 59_999)
    await stores.attempts.succeeded(TAG, operation="attempt 2")
    for number in (1, 2):
        attempt = await reserve(stores, operation=f"next {number}", now=START + 1)
        assert attempt == Attempt(number, START + 1, 3)
    with pytest.raises(PausedError):
        await reserve(stores, operation="early", now=START + 60_000)
    assert await reserve(stores, operation="last", now=START + 60_001)


@pytest.mark.clause("sca-art4-7", "nist63b-3.2.2-1")
async def test_of_fifty_attempts_at_once_five_are_evaluated(redis_target: RedisTarget):
    """Five processes reserve ten attempts each, all at once: five get one, 45 find it locked."""
    async with processes(redis_target, 5) as several:
        outcomes = await asyncio.gather(
            *(
                reserve(stores, operation=f"attempt {number} of {process}")
                for process, stores in enumerate(several)
                for number in range(10)
            ),
            return_exceptions=True,
        )
        numbers = sorted(outcome.number for outcome in outcomes if isinstance(outcome, Attempt))
        assert numbers == [1, 2, 3, 4, 5]
        assert sum(isinstance(outcome, LockedError) for outcome in outcomes) == 45


@pytest.mark.clause("nist63b-3.1.3.2-3")
async def test_of_fifty_uses_of_one_code_at_once_one_counts(redis_target: RedisTarget):
    """A time step is worth one operation, however many show its code at once."""
    async with processes(redis_target, 5) as several:
        spent = await asyncio.gather(
            *(
                stores.attempts.spend_step(PHONE, STEP, operation=f"use {number} of {process}")
                for process, stores in enumerate(several)
                for number in range(10)
            )
        )
        assert sorted(spent) == [False] * 49 + [True]


async def test_a_spent_step_takes_all_before_it_along(stores: Stores):
    """Steps only go forward: one that is not later than the last is worth nothing."""
    spend = stores.attempts.spend_step
    assert await spend(PHONE, STEP, operation="first")
    assert not await spend(PHONE, STEP, operation="second")
    assert not await spend(PHONE, STEP - 1, operation="third")
    assert await spend(PHONE, STEP + 1, operation="fourth")


async def test_a_resent_use_is_the_same_use(stores: Stores):
    """The operation that spent a step keeps its answer, even when a later one was spent since."""
    spend = stores.attempts.spend_step
    assert await spend(PHONE, STEP, operation="first")
    assert await spend(PHONE, STEP + 1, operation="second")
    assert await spend(PHONE, STEP, operation="first")
    assert not await spend(PHONE, STEP + 1, operation="first")


async def test_phones_have_steps_of_their_own(stores: Stores):
    """Each phone has its own seed, so the same step of another phone is another code."""
    assert await stores.attempts.spend_step(PHONE, STEP, operation="first")
    other = new_phone(2).device_id
    assert await stores.attempts.spend_step(other, STEP, operation="second")


async def test_a_code_that_is_none_is_never_fresh(stores: Stores):
    """No step is spent by it, neither before nor after a right one."""
    assert not await stores.attempts.spend_step(PHONE, NO_STEP, operation="wrong")
    assert await stores.attempts.spend_step(PHONE, 0, operation="right")
    assert not await stores.attempts.spend_step(PHONE, NO_STEP, operation="wrong again")


@pytest.mark.parametrize("name", ["", "x", "../../etc", PHONE + "A", "é" * 43])
async def test_what_is_no_phone_has_no_step_to_spend(stores: Stores, name: str):
    """A name that cannot be a phone's spends nothing."""
    assert not await stores.attempts.spend_step(name, STEP, operation="first")
