"""Payments: each granted one is executed once, whoever asks how often, and never after the end."""

import asyncio

import pytest

from ciba_service.ports import PaymentOutcome, UnknownRecordFormat
from ciba_service.protocol.transaction.state import Event
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import access_token_key, grant_key, payment_key
from ciba_service.stores.operations import OPERATION_MEMORY_MS
from tests.contracts.store_builders import (
    START,
    TRANSACTION,
    Stores,
    new_transaction,
    processes,
    swap_of,
)

ACCESS = "access by redeem"
UNTIL = START + 300_000


async def redeem(stores: Stores) -> None:
    """Store a grant the way a redemption does."""
    await stores.transactions.create(new_transaction(), operation="create")
    for event in (Event.APPROVE, Event.REDEEM):
        assert (await stores.transactions.swap(swap_of(event, event))).won


async def execute(stores: Stores, operation: str, *, access: str = ACCESS) -> PaymentOutcome:
    """Ask for the payment."""
    return await stores.payments.execute(TRANSACTION, access, operation=operation, until=UNTIL)


async def test_a_payment_is_executed_once(stores: Stores):
    """By one operation, which is told so however often it asks; by no other."""
    await redeem(stores)
    for _ in range(2):
        assert await execute(stores, "first") is PaymentOutcome.EXECUTED
    assert await execute(stores, "second") is PaymentOutcome.EXECUTED_BEFORE
    ends = await stores.commands.call("PEXPIRETIME", payment_key(TRANSACTION))
    assert ends == UNTIL + OPERATION_MEMORY_MS


async def test_of_many_at_once_one_executes_it(redis_target: RedisTarget):
    """Whichever process they are sent through."""
    async with processes(redis_target, 4) as several:
        await redeem(several[0])
        outcomes = await asyncio.gather(
            *(
                execute(stores, f"{number} {turn}")
                for turn in range(5)
                for number, stores in enumerate(several)
            )
        )
    assert sorted(outcome.value for outcome in outcomes) == ["executed"] + ["executed before"] * 19


async def test_nothing_is_executed_for_what_has_ended(stores: Stores):
    """Without a grant, with another token, after the token's and after the grant's end."""
    assert await execute(stores, "first") is PaymentOutcome.GRANT_ENDED
    await redeem(stores)
    assert await execute(stores, "first", access="another") is PaymentOutcome.GRANT_ENDED
    await stores.grants.end_access_token(TRANSACTION, ACCESS)
    assert await execute(stores, "first") is PaymentOutcome.GRANT_ENDED
    await stores.grants.end(TRANSACTION)
    assert await execute(stores, "first") is PaymentOutcome.GRANT_ENDED
    token = access_token_key(TRANSACTION, ACCESS)
    await stores.commands.call("SET", token, "left behind", "PXAT", UNTIL)
    assert await execute(stores, "first") is PaymentOutcome.GRANT_ENDED
    assert await stores.commands.call("EXISTS", payment_key(TRANSACTION)) == 0


async def test_an_operation_is_told_its_outcome_after_the_end(stores: Stores):
    """What was executed stays executed when the grant ends before the answer arrives."""
    await redeem(stores)
    await execute(stores, "first")
    await stores.grants.end(TRANSACTION)
    assert await execute(stores, "first") is PaymentOutcome.EXECUTED


async def test_a_grant_of_another_format_pays_nothing(stores: Stores):
    """It is refused cleanly."""
    await redeem(stores)
    await stores.commands.call("HSET", grant_key(TRANSACTION), "v", "99")
    with pytest.raises(UnknownRecordFormat):
        await execute(stores, "first")
