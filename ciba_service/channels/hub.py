"""The device hub: which phones are connected here, and what they are to be told.

An announcement goes through the broadcast to every process; each hands it to the inboxes of the
user's phones that are connected to it. An inbox is bounded: a phone that does not keep up is told
to fetch everything anew instead.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, assert_never

import msgspec

from ciba_service.ports import Announcement, AnnouncementKind, Broadcast, StoreUnavailable
from ciba_service.sca.phones.devices import UserTag

__all__ = ["Inbox", "SocketHub"]

INBOX_CAPACITY: Final = 64
_RESYNC: Final = Announcement(AnnouncementKind.RESYNC, "")
_FINAL: Final = frozenset({AnnouncementKind.REVOKED, AnnouncementKind.REPLACED})
_decoder: Final = msgspec.json.Decoder(Announcement)


class Inbox(AsyncIterator[Announcement]):
    """What one connected phone is to be told."""

    __slots__ = ("_arrived", "_waiting", "connection", "device_id")

    def __init__(self, device_id: str, connection: str) -> None:
        self.device_id = device_id
        self.connection = connection
        self._waiting: deque[Announcement] = deque([_RESYNC])
        self._arrived = asyncio.Event()
        self._arrived.set()

    def put(self, announcement: Announcement) -> None:
        """Deliver; what does not fit is replaced by a resync, except the end of a phone.

        What waits to be read already is not put twice: nobody fills an inbox by one thing, done
        again and again.
        """
        if announcement in self._waiting:
            return
        if len(self._waiting) >= INBOX_CAPACITY:
            kept = {waiting.kind: waiting for waiting in self._waiting if self._ends(waiting)}
            self._waiting = deque([_RESYNC, *kept.values()])
        self._waiting.append(announcement)
        self._arrived.set()

    def _ends(self, waiting: Announcement) -> bool:
        return waiting.kind in _FINAL and waiting.about == self.device_id

    async def __anext__(self) -> Announcement:
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()


class SocketHub:
    """``ports.DeviceHub`` of one process."""

    def __init__(
        self,
        broadcast: Broadcast,
        *,
        on_settled: Callable[[str | None], None] = lambda _: None,
        on_announced: Callable[[AnnouncementKind], None] = lambda _: None,
    ) -> None:
        """``on_settled`` is told which transaction was settled; None: any may have been.

        ``on_announced`` is told of each word that went out.
        """
        self._broadcast = broadcast
        self._on_announced = on_announced
        self._on_settled = on_settled
        self._inboxes: defaultdict[UserTag, set[Inbox]] = defaultdict(set)

    def connected(self) -> int:
        """How many connections of phones this process has."""
        return sum(map(len, self._inboxes.values()))

    async def announce(self, announcement: Announcement) -> None:
        """Tell every process, this one included; raises ``StoreUnavailable``."""
        await self._broadcast.publish(announcement.tag, msgspec.json.encode(announcement))
        self._on_announced(announcement.kind)

    @asynccontextmanager
    async def attach(self, tag: UserTag, device_id: str, connection: str) -> AsyncIterator[Inbox]:
        """Listen for a connected phone; its connections with lesser names are ended."""
        inbox = Inbox(device_id, connection)
        self._inboxes[tag].add(inbox)
        try:
            await self._announce_newer(tag, inbox)
            yield inbox
        finally:
            self._inboxes[tag].discard(inbox)
            if not self._inboxes[tag]:
                del self._inboxes[tag]

    async def run(self) -> None:
        """Hand out what is announced, until cancelled."""
        async for data in self._broadcast.listen():
            if data is None:
                self._put_all(_RESYNC)
                self._on_settled(None)
            else:
                announcement = _decoder.decode(data)
                self._hand_out(announcement)
                if announcement.kind is AnnouncementKind.WITHDRAW:
                    self._on_settled(announcement.about)
                await self._settle_ties(announcement)

    def _put_all(self, announcement: Announcement) -> None:
        for inboxes in self._inboxes.values():
            for inbox in inboxes:
                inbox.put(announcement)

    def _hand_out(self, announcement: Announcement) -> None:
        for inbox in self._inboxes.get(announcement.tag, ()):
            if _concerns(announcement, inbox):
                inbox.put(announcement)

    async def _settle_ties(self, announcement: Announcement) -> None:
        # Of two connections opened in the same millisecond the lesser may have begun to listen
        # after the greater was announced: it is announced again.
        for inbox in tuple(self._inboxes.get(announcement.tag, ())):
            if _is_tied(announcement, inbox):
                with suppress(StoreUnavailable):
                    await self._announce_newer(announcement.tag, inbox)

    async def _announce_newer(self, tag: UserTag, inbox: Inbox) -> None:
        await self.announce(
            Announcement(AnnouncementKind.REPLACED, tag, inbox.device_id, inbox.connection)
        )


def _is_tied(announcement: Announcement, inbox: Inbox) -> bool:
    return (
        announcement.kind is AnnouncementKind.REPLACED
        and announcement.about == inbox.device_id
        and announcement.detail < inbox.connection
        and announcement.detail.partition("-")[0] == inbox.connection.partition("-")[0]
    )


def _concerns(announcement: Announcement, inbox: Inbox) -> bool:
    is_same_phone = announcement.about == inbox.device_id
    match announcement.kind:
        case AnnouncementKind.REPLACED:
            return is_same_phone and announcement.detail > inbox.connection
        case (
            AnnouncementKind.ENROLLED
            | AnnouncementKind.PASSKEY_ADDED
            | AnnouncementKind.PASSKEY_REMOVED
        ):
            return not is_same_phone
        case (
            AnnouncementKind.OFFER
            | AnnouncementKind.WITHDRAW
            | AnnouncementKind.WAITING
            | AnnouncementKind.REJECTED
            | AnnouncementKind.REVOKED
            | AnnouncementKind.LAST_ATTEMPT
            | AnnouncementKind.LOCKED
            | AnnouncementKind.RESYNC
        ):
            return True
        case _:
            assert_never(announcement.kind)
