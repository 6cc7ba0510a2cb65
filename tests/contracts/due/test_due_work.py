"""Due work: whoever claims it has it to himself until the lease ends."""

import asyncio

from ciba_service.ports import DueKind, DueWork
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.due.due import LEASE_MS, due_member
from ciba_service.stores.keys import PARTITIONS, due_key, partition_of
from tests.contracts.store_builders import (
    EXPIRES_AT,
    PARTITION,
    START,
    TRANSACTION,
    Stores,
    new_transaction,
    processes,
    transaction_name,
)


async def store_some(stores: Stores, number: int) -> list[str]:
    """So many new transactions in partition 0, and their names."""
    names = [transaction_name(position) for position in range(number)]
    assert {partition_of(name) for name in names} == {PARTITION}
    await asyncio.gather(
        *(stores.transactions.create(new_transaction(name), operation="create") for name in names)
    )
    return names


async def test_claimed_work_is_nobody_elses(stores: Stores):
    """Until the lease ends a second claim finds nothing, and then it finds it again."""
    await store_some(stores, 1)
    (work,) = await stores.due.claim(PARTITION, now=START, limit=10)
    assert work.lease_until == START + LEASE_MS
    assert await stores.due.claim(PARTITION, now=START + LEASE_MS - 1, limit=10) == []
    (again,) = await stores.due.claim(PARTITION, now=START + LEASE_MS, limit=10)
    assert (again.kind, again.transaction_id) == (work.kind, work.transaction_id)


async def test_finished_work_is_gone(stores: Stores):
    """It does not come back when its lease would have ended; finishing twice does no harm."""
    await store_some(stores, 1)
    (work,) = await stores.due.claim(PARTITION, now=START, limit=10)
    for _ in range(2):
        await stores.due.finish(work)
    assert await stores.due.claim(PARTITION, now=START + LEASE_MS, limit=10) == []


async def test_work_that_was_leased_anew_is_not_finished_by_the_old_lease(stores: Stores):
    """A process that was too slow does not take the work from its successor."""
    await store_some(stores, 1)
    (slow,) = await stores.due.claim(PARTITION, now=START, limit=10)
    (taken_over,) = await stores.due.claim(PARTITION, now=START + LEASE_MS, limit=10)
    await stores.due.finish(slow)
    later = taken_over.lease_until
    (again,) = await stores.due.claim(PARTITION, now=later, limit=10)
    assert again.transaction_id == taken_over.transaction_id


async def test_a_lease_is_made_longer_by_whoever_has_it(stores: Stores):
    """Asked for again it is the same lease; the one before, or of finished work, is none."""
    await store_some(stores, 1)
    (work,) = await stores.due.claim(PARTITION, now=START, limit=10)
    until = work.lease_until + 60_000
    for _ in range(2):
        assert await stores.due.extend(work, until=until)
    assert await stores.due.claim(PARTITION, now=until - 1, limit=10) == []
    assert not await stores.due.extend(work, until=until + 1)
    (again,) = await stores.due.claim(PARTITION, now=until, limit=10)
    assert again.transaction_id == work.transaction_id
    await stores.due.finish(again)
    assert not await stores.due.extend(again, until=until + 2 * LEASE_MS)
    assert await stores.due.claim(PARTITION, now=until + 2 * LEASE_MS, limit=10) == []


async def test_what_is_not_due_yet_is_not_claimed(stores: Stores):
    """The expiry waits for its instant."""
    await store_some(stores, 1)
    (announce,) = await stores.due.claim(PARTITION, now=START, limit=10)
    await stores.due.finish(announce)
    assert await stores.due.claim(PARTITION, now=EXPIRES_AT - 1, limit=10) == []
    (expire,) = await stores.due.claim(PARTITION, now=EXPIRES_AT, limit=10)
    assert expire.kind is DueKind.EXPIRE


async def test_a_claim_takes_no_more_than_it_asks_for(stores: Stores):
    """The rest stays for the next claim."""
    names = await store_some(stores, 5)
    first = await stores.due.claim(PARTITION, now=START, limit=3)
    second = await stores.due.claim(PARTITION, now=START, limit=3)
    assert (len(first), len(second)) == (3, 2)
    assert sorted(work.transaction_id for work in first + second) == sorted(names)


async def test_processes_never_share_a_piece_of_work(redis_target: RedisTarget):
    """Fifty claims at once split the work among them without overlap or loss."""
    async with processes(redis_target, 5) as several:
        names = await store_some(several[0], 100)
        claims = await asyncio.gather(
            *(several[number % 5].due.claim(PARTITION, now=START, limit=3) for number in range(50))
        )
        claimed = [work.transaction_id for works in claims for work in works]
        assert sorted(claimed) == sorted(names)


async def test_partitions_with_work_are_found_in_one_round_trip(stores: Stores):
    """Where something is due is known without looking into each partition."""
    name = "_" + transaction_name(1)[1:]
    partition = partition_of(name)
    await stores.transactions.create(new_transaction(name), operation="create")
    await stores.due.partitions_with_work(now=START)
    before = stores.commands.flushes
    assert await stores.due.partitions_with_work(now=START) == [partition]
    assert stores.commands.flushes == before + 1
    assert await stores.due.partitions_with_work(now=START - 1) == []
    assert PARTITIONS == 256


async def test_finishing_what_was_never_due_does_nothing(stores: Stores):
    """A stray piece of work neither fails nor leaves anything behind."""
    await stores.due.finish(DueWork(DueKind.SETTLE, TRANSACTION, START))
    assert await stores.commands.call("EXISTS", due_key(PARTITION)) == 0
    assert due_member(DueKind.SETTLE, TRANSACTION) == f"settle:{TRANSACTION}"
