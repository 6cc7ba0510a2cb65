"""One connection that listens: whatever a server says on it, as it comes."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from hiredis import ProtocolError, Reader, pack_command
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from ciba_service.stores.driver.handover import Handover, hand_over

__all__ = ["EndOfHearing", "Hearing"]

_NOTHING: Final = object()


class EndOfHearing(Exception):
    """Raised by who hears, to end the connection."""


class Hearing(asyncio.Protocol):
    """Made ``over`` a connection of the driver, which is not to be used for anything else then."""

    def __init__(self, taken: Handover, heard: Callable[[object], None]) -> None:
        self._taken = taken
        self._heard = heard
        self._reader = Reader(
            protocolError=ProtocolError, replyError=taken.error_of, notEnoughData=_NOTHING
        )
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Raises what ended it: an error of the server, of the connection, or of who hears."""

    @classmethod
    def over(cls, connection: AbstractConnection, heard: Callable[[object], None]) -> "Hearing":
        """Take an open connection over; ``heard`` gets all that is said, or ends it.

        Raises:
            RedisConnectionError: it has ended already.
        """
        taken = hand_over(connection)
        hearing = cls(taken, heard)
        taken.transport.set_protocol(hearing)
        return hearing

    def send(self, commands: Iterable[tuple[str, ...]]) -> None:
        """Send commands; their replies are heard like everything else."""
        self._taken.transport.write(b"".join([pack_command(each) for each in commands]))  # type: ignore[arg-type] # of one type only, say its stubs

    def leave(self) -> None:
        """Close it; nobody waits for its end any more."""
        if not self.ended.cancel() and not self.ended.cancelled():
            self.ended.exception()  # Looked at, or the loop complains.
        self._taken.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hand on what was said, in its order."""
        try:
            self._reader.feed(data)
            while (said := self._reader.gets()) is not _NOTHING:
                if isinstance(said, Exception):
                    self._end(said)
                else:
                    self._heard(said)
        except ProtocolError:
            self._end(RedisConnectionError("what Redis said is not to be understood"))
        except EndOfHearing as end:
            self._end(end)

    def eof_received(self) -> None:
        """The server closes, and so do we."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing will be heard any more."""
        del exc
        self._end(RedisConnectionError("the connection to Redis was lost"))

    def _end(self, error: Exception) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)
        self._taken.transport.abort()
