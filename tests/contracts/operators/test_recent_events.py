"""The last security events of all processes: numbered in one order, bounded, and they fade."""

import pytest

from ciba_service.protocol.security_events.kinds import FactorsUnlocked
from ciba_service.protocol.security_events.record import SecurityEventRecord, record_of
from ciba_service.stores.keys import recent_events_key
from ciba_service.stores.operators import recent_events
from tests.contracts.store_builders import START, Stores


def record(number: int) -> SecurityEventRecord:
    """An event."""
    return record_of(FactorsUnlocked(user="tag"), entropy=number.to_bytes(16), now=START)


async def test_events_are_numbered_in_the_order_in_which_they_came(stores: Stores):
    """From the time on, each once, whatever the clock of the next process says."""
    await stores.recent_events.put([record(1), record(2)], now=START)
    await stores.recent_events.put([record(2), record(0)], now=START - 5_000)
    found = await stores.recent_events.after(0, limit=10)
    assert [each.record for each in found] == [record(1), record(2), record(0)]
    assert [each.number for each in found] == [START + 1, START + 2, START + 3]
    rest = await stores.recent_events.after(START + 1, limit=1)
    assert [each.record for each in rest] == [record(2)]
    assert await stores.recent_events.after(START + 3, limit=1) == []


async def test_only_the_last_are_kept(stores: Stores, monkeypatch: pytest.MonkeyPatch):
    """And all of them for a day at most."""
    monkeypatch.setattr(recent_events, "CAPACITY", 3)
    for number in range(5):
        await stores.recent_events.put([record(number)], now=START)
    found = await stores.recent_events.after(0, limit=10)
    assert [each.record for each in found] == [record(2), record(3), record(4)]
    lasts = await stores.commands.call("PTTL", recent_events_key())
    assert 86_000_000 < lasts <= 86_400_000


async def test_an_event_of_another_version_is_left_out(stores: Stores):
    """The others are seen, also those that follow it."""
    await stores.recent_events.put([record(1), record(2), record(3)], now=START)
    key, stored = recent_events_key(), record(2).encoded()
    await stores.commands.call("ZREM", key, stored)
    stranger = stored.replace(b"factors_unlocked", b"kind_of_tomorrow")
    await stores.commands.call("ZADD", key, START + 2, stranger)
    found = await stores.recent_events.after(0, limit=2)
    assert [each.record for each in found] == [record(1), record(3)]
