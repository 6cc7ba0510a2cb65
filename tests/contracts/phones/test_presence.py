"""How many phones each process has: the last word of each counts, for as long as it said."""

from ciba_service.stores.keys import presence_key
from tests.contracts.store_builders import START, Stores

UNTIL = START + 25_000


async def test_the_sum_is_that_of_the_last_words(stores: Stores):
    """Who says something else has said nothing else before."""
    report = stores.presence.report
    assert await report("one", 3, now=START, until=UNTIL) == 3
    assert await report("two", 15_000, now=START, until=UNTIL) == 15_003
    assert await report("one", 0, now=START + 1, until=UNTIL) == 15_000


async def test_who_is_silent_is_forgotten(stores: Stores):
    """At the instant that it named itself."""
    report = stores.presence.report
    await report("one", 3, now=START, until=UNTIL)
    assert await report("two", 1, now=UNTIL - 1, until=UNTIL + 9) == 4
    assert await report("two", 1, now=UNTIL, until=UNTIL + 9) == 1
    assert await stores.commands.call("HKEYS", presence_key()) == [b"two"]
