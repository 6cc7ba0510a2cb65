"""What waits to be pushed: each once, leased to one, bounded, and gone in the end."""

import asyncio

import pytest

from ciba_service.protocol.security_events.kinds import FactorsUnlocked
from ciba_service.protocol.security_events.record import SecurityEventRecord, record_of
from ciba_service.stores.keys import outbox_due_key, outbox_key
from ciba_service.stores.operators import set_outbox
from ciba_service.stores.operators.set_outbox import LEASE_MS
from tests.contracts.store_builders import START, Stores


def record(number: int = 0) -> SecurityEventRecord:
    """An event."""
    return record_of(FactorsUnlocked(user="tag"), entropy=number.to_bytes(16), now=START)


async def test_what_is_put_is_leased_to_one(stores: Stores):
    """Of many at once one gets it; when the lease ends it is due again."""
    assert await stores.outbox.put([record()], now=START) == 0
    claims = [stores.outbox.claim(now=START, limit=10) for _ in range(5)]
    (due,) = [due for claimed in await asyncio.gather(*claims) for due in claimed]
    assert (due.record, due.attempts) == (record(), 0)
    assert await stores.outbox.claim(now=START + LEASE_MS - 1, limit=10) == []
    (again,) = await stores.outbox.claim(now=START + LEASE_MS, limit=10)
    assert again.record == record()


async def test_a_finished_one_is_gone(stores: Stores):
    """Unless somebody else leased it meanwhile."""
    await stores.outbox.put([record()], now=START)
    (late,) = await stores.outbox.claim(now=START, limit=10)
    (due,) = await stores.outbox.claim(now=START + LEASE_MS, limit=10)
    await stores.outbox.finish(late)
    await stores.outbox.put_off(late, until=START)
    assert await stores.outbox.claim(now=START + LEASE_MS, limit=10) == []
    (still,) = await stores.outbox.claim(now=due.lease_until, limit=10)
    assert (still.record, still.attempts) == (record(), 0)
    await stores.outbox.finish(still)
    keys = outbox_key("siem"), outbox_due_key("siem")
    assert [await stores.commands.call("EXISTS", key) for key in keys] == [0, 0]
    await stores.outbox.put_off(still, until=START)
    assert [await stores.commands.call("EXISTS", key) for key in keys] == [0, 0]


async def test_what_is_put_off_comes_again(stores: Stores):
    """Then, with the number of its attempts."""
    await stores.outbox.put([record()], now=START)
    (due,) = await stores.outbox.claim(now=START, limit=10)
    await stores.outbox.put_off(due, until=START + 5)
    assert await stores.outbox.claim(now=START + 4, limit=10) == []
    (again,) = await stores.outbox.claim(now=START + 5, limit=10)
    assert again.attempts == 1


async def test_an_event_of_another_version_holds_up_no_other(stores: Stores):
    """A kind that this process does not know is left to one that does; the rest is leased."""
    await stores.outbox.put([record(), record(1)], now=START)
    key = outbox_key("siem")
    stranger = (await stores.commands.call("HGET", key, record().id)).replace(
        b"factors_unlocked", b"kind_of_tomorrow"
    )
    await stores.commands.call("HSET", key, record().id, stranger)
    (due,) = await stores.outbox.claim(now=START, limit=10)
    assert due.record == record(1)


async def test_an_event_waits_once(stores: Stores):
    """The same event put again is no second one, and does not end its lease."""
    await stores.outbox.put([record()], now=START)
    await stores.outbox.claim(now=START, limit=10)
    assert await stores.outbox.put([record(), record(1)], now=START) == 0
    (other,) = await stores.outbox.claim(now=START, limit=10)
    assert other.record == record(1)


async def test_what_waits_is_bounded(stores: Stores, monkeypatch: pytest.MonkeyPatch):
    """What finds no place is counted; what is there is leased in the order of time."""
    monkeypatch.setattr(set_outbox, "CAPACITY", 2)
    assert await stores.outbox.put([record(1)], now=START) == 0
    assert await stores.outbox.put([record(2), record(3), record(4)], now=START + 1) == 2
    assert [due.record for due in await stores.outbox.claim(now=START + 1, limit=1)] == [record(1)]
    assert [due.record for due in await stores.outbox.claim(now=START + 1, limit=9)] == [record(2)]


async def test_what_has_faded_is_not_claimed(stores: Stores):
    """A name whose event is gone is nothing to push."""
    await stores.outbox.put([record(1), record(2)], now=START)
    await stores.commands.call("HDEL", outbox_key("siem"), record(1).id)
    assert [due.record for due in await stores.outbox.claim(now=START, limit=9)] == [record(2)]
