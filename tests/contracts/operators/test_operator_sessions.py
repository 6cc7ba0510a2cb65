"""Sessions of operators: bounded for each token, and over when their time is."""

from ciba_service.protocol.operators.sessions import MOST_SESSIONS
from ciba_service.stores.keys import operator_sessions_key
from tests.contracts.store_builders import START, Stores

UNTIL = START + 60_000


async def test_a_session_lasts_until_its_end(stores: Stores):
    """Under its own token only; another with another end is no obstacle."""
    sessions = stores.operator_sessions
    await sessions.open("token", "short", now=START, until=UNTIL)
    await sessions.open("token", "long", now=START, until=UNTIL + 5)
    assert await sessions.until("token", "short", now=UNTIL - 1) == UNTIL
    assert await sessions.until("token", "short", now=UNTIL) is None
    assert await sessions.until("token", "long", now=UNTIL) == UNTIL + 5
    assert await sessions.until("other", "long", now=START) is None
    await sessions.open("token", "shorter", now=START, until=UNTIL - 5)
    ends = await stores.commands.call("PEXPIRETIME", operator_sessions_key("token"))
    assert ends == UNTIL + 5


async def test_a_closed_session_stays_closed(stores: Stores):
    """Now or before; another is left alone."""
    sessions = stores.operator_sessions
    for name in ("one", "two"):
        await sessions.open("token", name, now=START, until=UNTIL)
    for _ in range(2):
        await sessions.close("token", "one")
        assert await sessions.until("token", "one", now=START) is None
    assert await sessions.until("token", "two", now=START) == UNTIL


async def test_the_oldest_makes_room(stores: Stores):
    """Those that are over do not count; of others the one that would end first goes."""
    sessions = stores.operator_sessions
    await sessions.open("token", "over", now=START - 10, until=START)
    for number in range(MOST_SESSIONS + 1):
        await sessions.open("token", f"session-{number}", now=START, until=UNTIL + number)
    there = [
        await sessions.until("token", f"session-{number}", now=START)
        for number in range(MOST_SESSIONS + 1)
    ]
    assert there[0] is None
    assert None not in there[1:]
