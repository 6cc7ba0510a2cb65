"""The channel to phones."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

import msgspec

from ciba_service.sca.phones.devices import UserTag

__all__ = [
    "Announcement",
    "AnnouncementKind",
    "Broadcast",
    "DeviceHub",
]


class AnnouncementKind(StrEnum):
    """What phones are to be told."""

    OFFER = "offer"
    WITHDRAW = "withdraw"
    WAITING = "waiting"
    ENROLLED = "enrolled"
    REJECTED = "rejected"
    REVOKED = "revoked"
    LAST_ATTEMPT = "last_attempt"
    LOCKED = "locked"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    REPLACED = "replaced"
    RESYNC = "resync"


class Announcement(msgspec.Struct, frozen=True, array_like=True):
    """A word to all phones of one user, wherever they are connected.

    ``about`` is a transaction id or a device id; ``detail`` a withdrawal's reason, the name of a
    phone that something happened to, or the connection that replaces another; ``passkey_id`` is
    which of its passkeys it happened to, and ``at`` when (milliseconds), where it may happen more
    than once.
    """

    kind: AnnouncementKind
    tag: UserTag
    about: str = ""
    detail: str = ""
    passkey_id: str = ""
    at: int = 0


class Broadcast(Protocol):
    """Carries announcements to all processes."""

    async def publish(self, tag: UserTag, data: bytes) -> None:
        """Tell all processes."""
        ...

    def listen(self) -> AsyncIterator[bytes | None]:
        """What was published; None where something may have been missed."""
        ...


class DeviceHub(Protocol):
    """Reaches the sockets of a user's phones in every process."""

    async def announce(self, announcement: Announcement) -> None:
        """Tell all processes; whoever is not reached catches up when it connects."""
        ...

    def attach(
        self, tag: UserTag, device_id: str, connection: str
    ) -> AbstractAsyncContextManager[AsyncIterator[Announcement]]:
        """Listen for a connected phone; begins with a resync.

        Names of connections are ordered: of two of the same phone the greater one stays.
        """
        ...
