"""What happened to a user's phones lately, in Redis: a sorted set a user, by time.

A script that changes phones keeps its notice itself, so that there is none of the two without the
other.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ciba_service.ports.phones.notices import Notice
from ciba_service.sca.phones.devices import UserTag
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import notices_key
from ciba_service.stores.operations import Operations

__all__ = ["MOST_NOTICES", "NOTICES_PRELUDE", "NOTICE_LIFETIME_MS", "RedisNotices", "written"]

MOST_NOTICES: Final = 20
NOTICE_LIFETIME_MS: Final = 7 * 86_400_000

NOTICES_PRELUDE: Final = (
    f"local MOST_NOTICES = {MOST_NOTICES}\n"
    f"local NOTICE_LIFETIME_MS = {NOTICE_LIFETIME_MS}\n"
    f"{Script.load('notices').text}"
)

_PUT: Final = Script.load("put_notice", NOTICES_PRELUDE)
_decoder: Final = msgspec.json.Decoder(Notice)


class RedisNotices:
    """``ports.notices.NoticeStore`` on Redis."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def put(self, tag: UserTag, notice: Notice, *, now: int) -> None:
        """One script; the key goes with the last that counts."""
        await self._operations.evaluate(_PUT, [notices_key(tag)], [written(notice), now])

    async def recent(self, tag: UserTag, *, now: int) -> Sequence[tuple[Notice, int]]:
        """Those of the last seven days, without any that another version wrote."""
        found = await self._operations.call(
            "ZRANGEBYSCORE", notices_key(tag), now - NOTICE_LIFETIME_MS, "+inf", "WITHSCORES"
        )
        pairs = zip(found[::2], found[1::2], strict=True)
        read = ((_parsed(member), int(score)) for member, score in pairs)
        return [(notice, at) for notice, at in read if notice is not None]


def written(notice: Notice) -> bytes:
    """As it is kept."""
    return msgspec.json.encode(notice)


def _parsed(member: bytes) -> Notice | None:
    """A notice in a list: one that cannot be read must not hide the others."""
    try:
        return _decoder.decode(member)
    except (ValueError, RecursionError):
        return None
