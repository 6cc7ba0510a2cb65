"""What the phones of a user are to be told later, too."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from ciba_service.sca.phones.devices import UserTag

__all__ = ["Notice", "NoticeKind", "NoticeStore"]


class NoticeKind(StrEnum):
    """What happened to a phone, or by one."""

    ENROLLED = "enrolled"
    REJECTED = "rejected"
    REVOKED = "revoked"
    LAST_ATTEMPT = "last_attempt"
    LOCKED = "locked"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"


class Notice(msgspec.Struct, frozen=True, array_like=True):
    """Something that happened to a phone of a user, as the others are told.

    ``passkey_id`` is which of its passkeys it happened to, if it did; ``operation`` sets apart what
    may happen more than once.
    """

    kind: NoticeKind
    device_id: str
    name: str
    passkey_id: str = ""
    operation: str = ""


class NoticeStore(Protocol):
    """Keeps what happened lately, bounded in number and time."""

    async def put(self, tag: UserTag, notice: Notice, *, now: int) -> None:
        """Keep it; the same one put again stays as it was."""
        ...

    async def recent(self, tag: UserTag, *, now: int) -> Sequence[tuple[Notice, int]]:
        """Each with its instant (milliseconds), the oldest first."""
        ...
