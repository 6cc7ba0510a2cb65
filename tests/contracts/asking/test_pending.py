"""Pending transactions are listed from what is due to expire, a page at a time."""

from dataclasses import replace

from ciba_service.ports.asking.pending import PendingPlace
from ciba_service.protocol.transaction.state import Event
from tests.contracts.store_builders import (
    EXPIRES_AT,
    Stores,
    new_transaction,
    swap_of,
    transaction_name,
)

MANY = 300
"""More than are read at once."""


async def listed(stores: Stores, limit: int) -> list[str]:
    """All names, read in pages."""
    found: list[str] = []
    place: PendingPlace | None = None
    while places := await stores.pending.after(place, limit=limit):
        assert len(places) <= limit
        found += [each.transaction_id for each in places]
        place = places[-1]
    return found


async def create(stores: Stores, number: int) -> str:
    """One that expires when all others do."""
    name = transaction_name(number)
    await stores.transactions.create(
        replace(new_transaction(), transaction_id=name), operation=f"create-{number}"
    )
    return name


async def test_each_is_listed_once_however_long_the_pages(stores: Stores):
    """From one partition and from several, of the same instant; what is decided is left out."""
    names = {await create(stores, number) for number in range(MANY)}
    decided = transaction_name(7)
    swap = swap_of(Event.DENY, "denial", transaction_id=decided)
    assert (await stores.transactions.swap(swap)).won
    for limit in (1_000, 100, 7):
        found = await listed(stores, limit)
        assert sorted(found) == sorted(names - {decided})
    first, *_ = await stores.pending.after(None, limit=1)
    assert first.expires_at == EXPIRES_AT
