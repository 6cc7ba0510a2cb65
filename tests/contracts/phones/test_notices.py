"""What happened to a user's phones lately: each once, in order, bounded in number and time."""

from dataclasses import replace

from ciba_service.ports.phones.notices import Notice, NoticeKind
from ciba_service.sca.messages import key_thumbprint
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores.keys import notices_key
from ciba_service.stores.phones.notices import MOST_NOTICES, NOTICE_LIFETIME_MS
from tests.contracts.store_builders import (
    PASSKEY,
    PHONE_JWK,
    START,
    TAG,
    Stores,
    new_phone,
)

FIRST, SECOND = new_phone(), new_phone(2)


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


async def enrol_first(stores: Stores) -> None:
    """A phone that counts at once."""
    await stores.devices.add(TAG, FIRST, PHONE_JWK, further=False, operation="first")


async def let_second_wait(stores: Stores) -> None:
    """A phone that counts, and one that waits."""
    await enrol_first(stores)
    await stores.waiting_devices.put(
        TAG, SECOND, PHONE_JWK, until=START + 600_000, now=START, operation="second"
    )


async def last_kept(stores: Stores) -> tuple[Notice, int]:
    """The last notice of the user."""
    return (await stores.notices.recent(TAG, now=START))[-1]


async def test_who_revokes_a_phone_has_kept_the_notice_of_it(stores: Stores):
    """In one step, whoever asks: nothing is left to do that a crash could leave undone."""
    await enrol_first(stores)
    await stores.devices.revoke(FIRST.device_id, now=START + 1)
    revoked = Notice(NoticeKind.REVOKED, FIRST.device_id, FIRST.name)
    assert await last_kept(stores) == (revoked, START + 1)
    assert await stores.devices.revoke(FIRST.device_id, now=START + 2) is None
    assert await last_kept(stores) == (revoked, START + 1)


async def test_who_enrols_a_phone_has_kept_the_notice_of_it(stores: Stores):
    """From the instant at which it was enrolled."""
    await enrol_first(stores)
    enrolled = Notice(NoticeKind.ENROLLED, FIRST.device_id, FIRST.name)
    assert await stores.notices.recent(TAG, now=0) == [(enrolled, FIRST.enrolled_at)]


async def test_who_approves_a_phone_has_kept_the_notice_of_it(stores: Stores):
    """A phone that only waits is not told of as enrolled."""
    await let_second_wait(stores)
    assert len(await stores.notices.recent(TAG, now=0)) == 1
    await stores.waiting_devices.approve(
        SECOND.device_id,
        key=key_thumbprint(PHONE_JWK),
        asking=FIRST.device_id,
        now=START + 1,
        operation="order",
    )
    enrolled = Notice(NoticeKind.ENROLLED, SECOND.device_id, SECOND.name)
    assert await last_kept(stores) == (enrolled, START + 1)


async def test_who_turns_a_phone_away_has_kept_the_notice_of_it(stores: Stores):
    """Once."""
    await let_second_wait(stores)
    for now in (START + 1, START + 2):
        await stores.waiting_devices.reject(
            SECOND.device_id, asking=None, now=now, operation=f"rejection {now}"
        )
    rejected = Notice(NoticeKind.REJECTED, SECOND.device_id, SECOND.name)
    assert await last_kept(stores) == (rejected, START + 1)


async def test_who_adds_or_removes_a_passkey_has_kept_the_notice_of_it(stores: Stores):
    """Another name or PIN is no news to the other phones."""
    await enrol_first(stores)
    passkey = replace(PASSKEY, registered_at=START + 1)
    await stores.devices.add_passkey(FIRST, passkey)
    added = Notice(NoticeKind.PASSKEY_ADDED, FIRST.device_id, FIRST.name, PASSKEY.passkey_id)
    assert await last_kept(stores) == (added, START + 1)
    await stores.devices.remove_passkey(FIRST.device_id, PASSKEY.passkey_id, now=START + 2)
    removed = Notice(NoticeKind.PASSKEY_REMOVED, FIRST.device_id, FIRST.name, PASSKEY.passkey_id)
    assert await last_kept(stores) == (removed, START + 2)
    await stores.devices.rename(FIRST.device_id, "Another")
    assert await last_kept(stores) == (removed, START + 2)
