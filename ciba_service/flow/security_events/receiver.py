"""Whom security events are pushed to, and what waits for that."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from ciba_service.flow.due.store_time import StoreTime
from ciba_service.ports import Clock, SetOutbox
from ciba_service.protocol.security_events.kinds import EventReceiverRefused, kind_of
from ciba_service.protocol.security_events.record import SecurityEventRecord

__all__ = ["EventReceiver", "SetQueue"]


@dataclass(frozen=True, slots=True)
class EventReceiver:
    """A receiver; ``kept`` is how long each event is tried, in milliseconds.

    Without ``kinds`` it gets all of them. ``token`` is for its Authorization header.
    """

    name: str
    url: str = field(repr=False)
    audience: str
    token: str | None = field(repr=False)
    kinds: frozenset[str]
    kept: int

    def wants(self, record: SecurityEventRecord) -> bool:
        """Whether it gets this one."""
        # That a receiver refuses tokens is not told by another token, which it would refuse.
        if isinstance(record.event, EventReceiverRefused):
            return False
        return not self.kinds or kind_of(record.event) in self.kinds


class SetQueue:
    """``ports.EventSink`` of one receiver: what it is to get waits in the store.

    ``arrived`` is set when there is something to be pushed. It is due by the store's time where the
    clock here is ahead: it would wait for as long when this process is gone, or its clock mended.
    """

    __slots__ = ("_arrived", "_clock", "_outbox", "_receiver", "_store_time")

    def __init__(
        self,
        receiver: EventReceiver,
        outbox: SetOutbox,
        *,
        store_time: StoreTime,
        clock: Clock,
        arrived: asyncio.Event,
    ) -> None:
        self._receiver = receiver
        self._outbox = outbox
        self._store_time = store_time
        self._clock = clock
        self._arrived = arrived

    async def write(self, records: Sequence[SecurityEventRecord]) -> int:
        """Let them wait for their push; returns how many found no place.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        wanted = [record for record in records if self._receiver.wants(record)]
        if not wanted:
            return 0
        ahead = await self._store_time.ahead_ms()
        unplaced = await self._outbox.put(wanted, now=self._clock.now_ms() - ahead)
        self._arrived.set()
        return unplaced
