"""The hub hands each announcement to the inboxes it concerns, and none grows without end."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from ciba_service.channels.hub import INBOX_CAPACITY, Inbox, SocketHub
from ciba_service.ports import Announcement, AnnouncementKind, StoreUnavailable

ALICE, BOB = "alice-tag", "bob-tag"
RESYNC = Announcement(AnnouncementKind.RESYNC, "")


def offer(number: int, tag: str = ALICE) -> Announcement:
    """One of many."""
    return Announcement(AnnouncementKind.OFFER, tag, f"transaction-{number}")


class Air:
    """A broadcast within one process."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def publish(self, tag: str, data: bytes) -> None:  # noqa: ARG002 - one channel for all
        """Tell the only process."""
        await self.queue.put(data)

    async def listen(self) -> AsyncIterator[bytes | None]:
        """What was published."""
        while True:
            yield await self.queue.get()


@pytest.fixture
async def air() -> Air:
    """A broadcast."""
    return Air()


@pytest.fixture
async def hub(air: Air) -> AsyncIterator[SocketHub]:
    """A hub that is running."""
    hub = SocketHub(air)
    running = asyncio.create_task(hub.run())
    yield hub
    running.cancel()
    await asyncio.wait({running})


def drain(inbox: Inbox) -> list[Announcement]:
    """Everything that waits."""
    waiting = list(inbox._waiting)
    inbox._waiting.clear()
    return waiting


async def test_an_inbox_begins_with_a_resync_and_keeps_the_order():
    """A phone first hears what is open, then what happens, one after the other."""
    inbox = Inbox("device", "connection")
    inbox.put(offer(1))
    inbox.put(offer(2))
    assert [await anext(inbox) for _ in range(3)] == [RESYNC, offer(1), offer(2)]


async def test_an_inbox_waits_for_what_is_next():
    """Reading an empty inbox ends when something arrives."""
    inbox = Inbox("device", "connection")
    assert await anext(inbox) == RESYNC
    reading = asyncio.ensure_future(anext(inbox))
    await asyncio.sleep(0)
    assert not reading.done()
    inbox.put(offer(1))
    assert await reading == offer(1)


@pytest.mark.parametrize("end", [AnnouncementKind.REVOKED, AnnouncementKind.REPLACED])
async def test_an_overflowing_inbox_is_replaced_by_a_resync(end: AnnouncementKind):
    """A phone that does not keep up fetches anew, and never misses its own end."""
    inbox = Inbox("device", "connection")
    its_own = Announcement(end, ALICE, "device")
    inbox.put(its_own)
    inbox.put(Announcement(end, ALICE, "another", "Tablet"))
    for number in range(INBOX_CAPACITY):
        inbox.put(offer(number))
        assert len(inbox._waiting) <= INBOX_CAPACITY
    waiting = drain(inbox)
    assert waiting[:2] == [RESYNC, its_own]
    assert waiting[-1] == offer(INBOX_CAPACITY - 1)


@pytest.mark.parametrize(
    ("kind", "about", "detail", "reaches"),
    [
        (AnnouncementKind.OFFER, "transaction", "", {"phone", "older", "tablet"}),
        (AnnouncementKind.WITHDRAW, "transaction", "decided", {"phone", "older", "tablet"}),
        (AnnouncementKind.RESYNC, "", "", {"phone", "older", "tablet"}),
        (AnnouncementKind.REVOKED, "phone", "", {"phone", "older", "tablet"}),
        (AnnouncementKind.REPLACED, "phone", "2 newer", {"older"}),
        (AnnouncementKind.ENROLLED, "phone", "Phone", {"tablet"}),
    ],
)
@pytest.mark.clause("nist63b-3.1.3.1-2")
async def test_an_announcement_reaches_whom_it_concerns(
    hub: SocketHub, kind: AnnouncementKind, about: str, detail: str, reaches: set[str]
):
    """All phones of one user, or one, or all but one; other users' never."""
    async with (
        hub.attach(ALICE, "phone", "1 older") as older,
        hub.attach(ALICE, "phone", "2 newer") as newer,
        hub.attach(ALICE, "tablet", "tablet") as tablet,
        hub.attach(BOB, "bobs", "bobs") as bobs,
    ):
        inboxes = {"phone": newer, "older": older, "tablet": tablet, "bobs": bobs}
        await everything_heard(hub, bobs)
        for inbox in inboxes.values():
            drain(inbox)
        announcement = Announcement(kind, ALICE, about, detail)
        await hub.announce(announcement)
        await everything_heard(hub, bobs)
        assert {name for name, inbox in inboxes.items() if drain(inbox)} == reaches


OLDER, LESSER, GREATER = "000000001-0-b", "000000002-0-a", "000000002-0-b"


def replaced_by(connection: str) -> Announcement:
    """A connection is said to be the newest."""
    return Announcement(AnnouncementKind.REPLACED, ALICE, "phone", connection)


@pytest.mark.parametrize(("first", "second"), [(LESSER, GREATER), (GREATER, LESSER)])
async def test_of_two_connections_of_one_moment_one_stays(hub: SocketHub, first: str, second: str):
    """Whichever begins to listen first, the lesser is ended and the greater is not."""
    async with hub.attach(BOB, "bobs", "bobs") as bobs, hub.attach(ALICE, "phone", first) as one:
        await everything_heard(hub, bobs)
        async with hub.attach(ALICE, "phone", second) as other:
            for _ in range(2):  # what is said in answer to the first is heard after it
                await everything_heard(hub, bobs)
            heard = {inbox.connection: drain(inbox)[1:] for inbox in (one, other)}
    assert set(heard[LESSER]) == {replaced_by(GREATER)}
    assert heard[GREATER] == []


async def test_a_late_word_of_an_older_connection_is_passed_by(hub: SocketHub):
    """It ends neither a newer connection of the phone nor those of other phones."""
    async with (
        hub.attach(BOB, "bobs", "bobs") as bobs,
        hub.attach(ALICE, "phone", GREATER) as newer,
        hub.attach(ALICE, "tablet", "000000002-0-c") as tablet,
    ):
        await everything_heard(hub, bobs)
        drain(newer)
        await hub.announce(replaced_by(OLDER))
        for _ in range(2):
            await everything_heard(hub, bobs)
        assert drain(newer) == []
        assert drain(tablet) == [RESYNC]


class Mute(Air):
    """A broadcast that is heard and cannot be spoken through."""

    speaks = True

    async def publish(self, tag: str, data: bytes) -> None:
        """Fail once it is mute."""
        if not self.speaks:
            raise StoreUnavailable
        await super().publish(tag, data)


async def test_a_hub_that_cannot_answer_goes_on_listening():
    """Without the store a tie is left as it is, and the next announcement is handed out."""
    air = Mute()
    hub = SocketHub(air)
    running = asyncio.create_task(hub.run())
    async with hub.attach(ALICE, "phone", GREATER) as phone:
        assert await anext(phone) == RESYNC
        air.speaks = False
        for announcement in (replaced_by(LESSER), offer(1)):
            air.queue.put_nowait(msgspec.json.encode(announcement))
        assert await anext(phone) == offer(1)
        assert not running.done()
    running.cancel()
    await asyncio.wait({running})


async def test_what_is_said_again_and_again_keeps_nothing_from_a_phone():
    """An enrolment that is sent without end waits once, and a request behind it is the next."""
    inbox = Inbox("device", "connection")
    newcomers = [Announcement(AnnouncementKind.WAITING, ALICE, name) for name in ("one", "two")]
    for _ in range(INBOX_CAPACITY // 4):
        for newcomer in newcomers:
            inbox.put(newcomer)
    inbox.put(offer(1))
    assert drain(inbox) == [RESYNC, *newcomers, offer(1)]
    inbox.put(newcomers[0])
    assert drain(inbox) == [newcomers[0]]


async def test_an_inbox_full_of_endings_keeps_one_of_each():
    """However often a phone is replaced while it does not read, its inbox stays bounded."""
    inbox = Inbox("phone", OLDER)
    newer = [replaced_by(f"{number:09}-0-b") for number in range(4 * INBOX_CAPACITY)]
    for announcement in newer:
        inbox.put(announcement)
        assert len(inbox._waiting) <= INBOX_CAPACITY
    assert drain(inbox)[-1] == newer[-1]


async def everything_heard(hub: SocketHub, inbox: Inbox) -> None:
    """Wait until what was announced before has been handed out."""
    last = offer(0, BOB)
    await hub.announce(last)
    while await anext(inbox) != last:
        pass


async def test_a_gap_makes_every_phone_fetch_anew(hub: SocketHub, air: Air):
    """After a new subscription everybody looks for themselves."""
    async with hub.attach(ALICE, "phone", "1") as phone, hub.attach(BOB, "bobs", "2") as bobs:
        assert [await anext(inbox) for inbox in (phone, bobs)] == [RESYNC, RESYNC]
        await air.publish("", msgspec.json.encode(offer(1)))
        air.queue.put_nowait(None)
        assert [await anext(phone) for _ in range(2)] == [offer(1), RESYNC]
        assert await anext(bobs) == RESYNC


async def test_whoever_waits_for_a_decision_is_told_what_is_settled(air: Air):
    """By name, and after a gap that any may have been; nothing else settles one."""
    settled: list[str | None] = []
    hub = SocketHub(air, on_settled=settled.append)
    running = asyncio.create_task(hub.run())
    async with hub.attach(BOB, "bobs", "bobs") as bobs:
        await hub.announce(offer(1))
        await hub.announce(Announcement(AnnouncementKind.WITHDRAW, ALICE, "it", "decided"))
        air.queue.put_nowait(None)
        await everything_heard(hub, bobs)
    assert settled == ["it", None]
    running.cancel()
    await asyncio.wait({running})


async def test_a_phone_that_leaves_takes_no_other_along(hub: SocketHub):
    """Of two phones of one user the other goes on hearing what happens."""
    async with (
        hub.attach(BOB, "bobs", "bobs") as bobs,
        hub.attach(ALICE, "phone", "1") as phone,
    ):
        async with hub.attach(ALICE, "tablet", "2"):
            await everything_heard(hub, bobs)
        drain(phone)
        await hub.announce(offer(1))
        await everything_heard(hub, bobs)
        assert drain(phone) == [offer(1)]


async def test_a_phone_that_left_is_forgotten(hub: SocketHub):
    """Nothing is kept of sockets that ended."""
    async with hub.attach(ALICE, "phone", "1"), hub.attach(ALICE, "phone", "2"):
        assert len(hub._inboxes[ALICE]) == 2
    assert hub._inboxes == {}
