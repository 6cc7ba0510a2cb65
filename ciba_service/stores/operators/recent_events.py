"""The last security events of all processes, in Redis: one key of its own slot, which fades."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from ciba_service.ports import NumberedEvent
from ciba_service.protocol.security_events.record import SecurityEventRecord
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import recent_events_key
from ciba_service.stores.operations import Operations

__all__ = ["CAPACITY", "RedisRecentEvents"]

CAPACITY: Final = 1_000
_KEPT_MS: Final = 86_400_000
_PUT: Final = Script.load("put_recent_events")


class RedisRecentEvents:
    """``ports.RecentEvents`` on Redis; all are forgotten a day after the last one."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def put(self, records: Sequence[SecurityEventRecord], *, now: int) -> None:
        """Keep them, each once, and the last thousand of all."""
        await self._operations.evaluate(
            _PUT,
            [recent_events_key()],
            [CAPACITY, _KEPT_MS, now, *(record.encoded() for record in records)],
        )

    async def after(self, number: int, *, limit: int) -> Sequence[NumberedEvent]:
        """One round trip; what another version wrote and this one does not know is left out."""
        flat = await self._operations.call(
            "ZRANGE", recent_events_key(), f"({number}", "+inf", "BYSCORE", "WITHSCORES"
        )
        return list(islice(_known(flat), limit))


def _known(flat: Sequence[bytes]) -> Iterable[NumberedEvent]:
    for stored, number in zip(flat[::2], flat[1::2], strict=True):
        try:
            record = SecurityEventRecord.decoded(stored)
        except (ValueError, RecursionError):
            continue
        yield NumberedEvent(int(float(number)), record)
