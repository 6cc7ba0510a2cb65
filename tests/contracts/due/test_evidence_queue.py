"""Evidence in the store: queued with the decision, leased to one, trimmed by nobody else."""

from dataclasses import replace

import pytest

from ciba_service.ports import StoreUnavailable, UnknownRecordFormat
from ciba_service.protocol.transaction.state import Event
from ciba_service.sca.records.evidence_chain import GENESIS, ChainHead
from ciba_service.stores.asking.transactions import EVIDENCE_LIMIT
from ciba_service.stores.evidence.evidence_seals import parse_record
from ciba_service.stores.keys import evidence_key
from tests.contracts.store_builders import (
    PARTITION,
    START,
    TRANSACTION,
    Stores,
    evidence,
    new_transaction,
    swap_of,
    transaction_name,
)

LEASE_MS = 10_000
HEAD = ChainHead(1, "1" * 64)


async def decided(
    stores: Stores, event: Event = Event.APPROVE, transaction_id: str = TRANSACTION
) -> bool:
    """Decide on a request, with evidence."""
    await stores.transactions.create(new_transaction(transaction_id), operation="create")
    swap = replace(
        swap_of(event, "decision", transaction_id=transaction_id),
        evidence=evidence(transaction_id),
    )
    return (await stores.transactions.swap(swap)).won


@pytest.mark.parametrize("event", [Event.APPROVE, Event.DENY, Event.LOCK])
async def test_evidence_is_queued_with_what_was_decided(stores: Stores, event: Event):
    """Once, in the same step; the same decision again and one that lost queue nothing."""
    assert await decided(stores, event)
    assert (await stores.transactions.swap(replace(swap_of(event, "decision")))).won
    late = replace(swap_of(Event.DENY, "another"), evidence=evidence())
    assert not (await stores.transactions.swap(late)).won
    assert (await stores.transactions.swap(swap_of(Event.CANCEL, "it"))).won is (
        event is Event.APPROVE
    )
    assert list(await stores.evidence.partitions()) == [PARTITION]
    assert await stores.evidence.waiting() == 1
    batch = await stores.evidence.claim(PARTITION, now=START)
    assert batch is not None
    assert (batch.head, len(batch.records)) == (GENESIS, 1)
    assert parse_record(batch.records[0].record).facts == evidence().facts
    assert batch.records[0].key.transaction_id == TRANSACTION


async def test_one_process_has_the_lease(stores: Stores):
    """Nobody else gets it before it ends, and who had it then commits nothing."""
    await decided(stores)
    first = await stores.evidence.claim(PARTITION, now=START)
    assert first is not None
    assert await stores.evidence.claim(PARTITION, now=START + LEASE_MS - 1) is None
    second = await stores.evidence.claim(PARTITION, now=START + LEASE_MS)
    assert second is not None
    assert second.fence > first.fence
    assert second.records == first.records
    assert not await stores.evidence.commit(first, HEAD)
    assert await stores.evidence.waiting() == 1
    assert await stores.evidence.commit(second, HEAD)
    for another in (replace(HEAD, hash="2" * 64), replace(HEAD, number=2)):
        assert not await stores.evidence.commit(first, another)
    assert await stores.evidence.waiting() == 0
    assert await stores.evidence.heads() == {PARTITION: HEAD}
    # And who comes later still learns that what it wrote counts, since it is the same.
    assert await stores.evidence.commit(first, HEAD)


async def test_a_commit_ends_the_lease(stores: Stores):
    """The chain goes on where it stood, at once."""
    await decided(stores)
    batch = await stores.evidence.claim(PARTITION, now=START)
    assert batch is not None
    assert await stores.evidence.commit(batch, HEAD)
    assert await stores.evidence.claim(PARTITION, now=START) is None
    await decided(stores, transaction_id=transaction_name(1))
    after = await stores.evidence.claim(PARTITION, now=START)
    assert after is not None
    assert after.head == HEAD
    assert await stores.evidence.commit(after, ChainHead(2, "2" * 64))
    await stores.commands.call("RPUSH", evidence_key(PARTITION), b"foreign")
    with pytest.raises(UnknownRecordFormat):
        await stores.evidence.claim(PARTITION, now=START)


async def test_nothing_is_decided_without_its_evidence(stores: Stores):
    """When too much waits the decision is put off, and made once there is room."""
    waiting = [b"x"] * EVIDENCE_LIMIT
    await stores.commands.call("RPUSH", evidence_key(PARTITION), *waiting)
    with pytest.raises(StoreUnavailable, match="too much evidence"):
        await decided(stores)
    await stores.commands.call("LPOP", evidence_key(PARTITION))
    swap = replace(swap_of(Event.APPROVE, "decision"), evidence=evidence())
    assert (await stores.transactions.swap(swap)).won
    assert await stores.evidence.waiting() == EVIDENCE_LIMIT
