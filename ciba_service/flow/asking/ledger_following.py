"""The ledger of a transaction, told again and again until nothing more will happen."""

from collections.abc import AsyncGenerator, Awaitable, Callable

from ciba_service.flow.asking.open_streams import OpenStreams
from ciba_service.ports import Clock, LedgerStore, StoreUnavailable, Telemetry
from ciba_service.protocol.transaction.ledger import Ledger

__all__ = ["LedgerFollowing"]


class LedgerFollowing:
    """For clients and operators alike."""

    def __init__(
        self, *, ledgers: LedgerStore, streams: OpenStreams, clock: Clock, telemetry: Telemetry
    ) -> None:
        self._ledgers = ledgers
        self._streams = streams
        self._clock = clock
        self._telemetry = telemetry

    def has_room(self, client_id: str) -> bool:
        """Whether this client may follow one more."""
        return self._streams.has_room(client_id)

    @property
    def has_room_for_operators(self) -> bool:
        """Whether one more operator may follow."""
        return self._streams.has_room_for_operators

    async def follow(
        self,
        name: str,
        first_look: Callable[[], Awaitable[Ledger]],
        until_gone: Callable[[], Awaitable[None]],
        *,
        client_id: str = "",
    ) -> AsyncGenerator[Ledger, None]:
        """What ``first_look`` finds, and again whenever it may have changed, until it is complete.

        It ends after 25 seconds, and when ``until_gone`` does. ``client_id`` is whose stream it is,
        none for operators. Raises what ``first_look`` raises,
        and nothing once there was a ledger.
        """
        with self._streams.place(name, until_gone, client_id=client_id) as place:
            ledger: Ledger | None = await first_look()
            while ledger is not None:
                yield ledger
                if ledger.is_complete or not await place.next_look():
                    return
                ledger = await self._seen_again(name)

    async def _seen_again(self, name: str) -> Ledger | None:
        """None when it cannot be read, or is gone: the stream ends; whoever asked comes back."""
        try:
            return await self._ledgers.read(name, now=self._clock.now_ms())
        except StoreUnavailable as error:
            self._telemetry.failure("event_stream_failed", error, transaction_id=name)
            return None
