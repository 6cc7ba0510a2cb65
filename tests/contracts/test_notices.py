"""What happened to a user's phones lately: each once, in order, bounded in number and time."""

from ciba_service.ports.notices import Notice, NoticeKind
from ciba_service.sca.devices import user_tag
from ciba_service.stores.keys import notices_key
from ciba_service.stores.notices import MOST_NOTICES, NOTICE_LIFETIME_MS
from tests.contracts.store_builders import START, TAG, Stores


def notice(number: int) -> Notice:
    """A notice of its own for each number."""
    return Notice(NoticeKind.REVOKED, "phone", "Phone", operation=f"{number}")


async def test_a_notice_put_again_stays_as_it_was(stores: Stores):
    """Of this user only, the oldest first."""
    for number, now in ((1, START + 1), (0, START), (1, START + 2)):
        await stores.notices.put(TAG, notice(number), now=now)
    expected = [(notice(0), START), (notice(1), START + 1)]
    assert await stores.notices.recent(TAG, now=START + 2) == expected
    assert await stores.notices.recent(user_tag("bob"), now=START + 2) == []


async def test_the_last_ones_are_kept_for_seven_days(stores: Stores):
    """So many, to the millisecond; the key goes with the last of them."""
    for number in range(MOST_NOTICES + 1):
        await stores.notices.put(TAG, notice(number), now=START + number)
    kept = [(notice(number), START + number) for number in range(1, MOST_NOTICES + 1)]
    assert await stores.notices.recent(TAG, now=START + NOTICE_LIFETIME_MS + 1) == kept
    assert await stores.notices.recent(TAG, now=START + NOTICE_LIFETIME_MS + 2) == kept[1:]
    left = await stores.commands.call("PTTL", notices_key(TAG))
    assert NOTICE_LIFETIME_MS - 60_000 < left <= NOTICE_LIFETIME_MS


async def test_a_notice_of_another_version_hides_no_other(stores: Stores):
    """It is left out."""
    await stores.notices.put(TAG, notice(1), now=START)
    await stores.commands.call("ZADD", notices_key(TAG), START, b'["kind of tomorrow"]')
    assert await stores.notices.recent(TAG, now=START) == [(notice(1), START)]
