"""One connection on which many batches are under way, answered in the order they were sent."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from hiredis import ProtocolError, Reader
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ciba_service.stores.driver.handover import Handover, hand_over

__all__ = ["Done", "Link", "Outcome"]

Outcome = Sequence[Any] | Exception
"""One reply, or one error, for each command, in order; or why the fate of all is unknown."""

Done = Callable[[Outcome], None]

_NOTHING: Final = object()


class _Batch:
    __slots__ = ("began", "done", "missing", "replies")

    def __init__(self, missing: int, done: Done, began: float) -> None:
        self.missing = missing
        self.replies: list[Any] = []
        self.done = done
        self.began = began


class _Owner(Protocol):
    def lost(self, link: "Link") -> None:
        """Take no further batch to this link."""
        ...


class Link(asyncio.Protocol):
    """Made ``over`` a connection of the driver, which is not to be used for anything else then."""

    def __init__(self, taken: Handover, owner: _Owner, seconds: float) -> None:
        self._taken = taken
        self._transport = taken.transport
        self._reader = Reader(
            protocolError=ProtocolError, replyError=self._error, notEnoughData=_NOTHING
        )
        self._owner = owner
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._under_way: deque[_Batch] = deque()
        self._limit: asyncio.TimerHandle | None = None
        self._leaving = False
        self.met_error = False
        """Whether an error was among the replies since somebody last looked."""

    @classmethod
    def over(cls, connection: AbstractConnection, owner: _Owner, *, seconds: float) -> "Link":
        """Take an open connection over; a batch that has no answer after ``seconds`` ends it.

        Raises:
            RedisConnectionError: it has ended already.
        """
        taken = hand_over(connection)
        link = cls(taken, owner, seconds)
        taken.transport.set_protocol(link)
        return link

    @property
    def is_open(self) -> bool:
        """Whether further batches may be sent."""
        return not (self._leaving or self._transport.is_closing())

    def send(self, data: bytes, number: int, done: Done) -> None:
        """Send so many packed commands; ``done`` is called once, later."""
        self._under_way.append(_Batch(number, done, self._loop.time()))
        self._transport.write(data)
        if self._limit is None:
            self._limit = self._loop.call_later(self._seconds, self._look_at_time)

    def leave(self) -> None:
        """Take no more batches, and close once the last one is answered."""
        self._leaving = True
        if not self._under_way:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hand replies to those who wait, in their order."""
        reader, under_way = self._reader, self._under_way
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not _NOTHING:
                batch = under_way[0]
                batch.replies.append(reply)
                if len(batch.replies) == batch.missing:
                    under_way.popleft()
                    batch.done(batch.replies)
        except (ProtocolError, IndexError):
            self._end(RedisConnectionError("Redis answered what nobody asked"))
        if self._leaving and not under_way:
            self._transport.abort()

    def eof_received(self) -> None:
        """The server closes, and so do we."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody will be answered any more."""
        del exc
        self._end(RedisConnectionError("the connection to Redis was lost"))

    def _error(self, text: str) -> Exception:
        self.met_error = True
        return self._taken.error_of(text)

    def _look_at_time(self) -> None:
        self._limit = None
        if not self._under_way:
            return
        left = self._under_way[0].began + self._seconds - self._loop.time()
        if left > 0:
            self._limit = self._loop.call_later(left, self._look_at_time)
        else:
            self._end(RedisTimeoutError("Redis did not answer in time"))

    def _end(self, error: Exception) -> None:
        """Close, and tell everybody."""
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        self._transport.abort()
        self._owner.lost(self)
        while self._under_way:
            self._under_way.popleft().done(error)
