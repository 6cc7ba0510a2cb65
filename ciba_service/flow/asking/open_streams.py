"""Streams of events that clients keep open: when each is to look again, and when it ends.

Like a held poll (held_polls.py) a stream looks again when the word goes round that its transaction
was settled, and when such words may have been lost; and every two seconds, since nobody sends a
word for what else happens, and none is needed to be right.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from ciba_service.ports import Clock

__all__ = ["OPERATORS_PLACES", "STREAM_SECONDS", "OpenStreams", "StreamPlace"]

STREAM_SECONDS: Final = 25.0
PAUSE_SECONDS: Final = 2.0
OPERATORS_PLACES: Final = 16
_OPERATORS: Final = ""
"""What no client is called."""


class StreamPlace:
    """A place for one stream, until its time is over, its client has gone, or the process ends."""

    __slots__ = ("_clock", "_is_over", "_tasks", "_woken")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._is_over = False
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def end_after(self, what: Callable[[], Awaitable[None]]) -> None:
        """End the stream when this has happened."""
        self._tasks.append(asyncio.create_task(_then(what, self.end)))

    def end(self) -> None:
        """Nobody is to look again."""
        self._is_over = True
        self._woken.set()

    def wake(self) -> None:
        """Look again now."""
        self._woken.set()

    def leave(self) -> None:
        """Wait for nothing more."""
        for task in self._tasks:
            task.cancel()

    async def next_look(self) -> bool:
        """Wait until it is time to look again; False when the stream is over."""
        pause = asyncio.create_task(_then(partial(self._clock.sleep, PAUSE_SECONDS), self.wake))
        try:
            await self._woken.wait()
        finally:
            pause.cancel()
        self._woken.clear()
        return not self._is_over


class OpenStreams:
    """The open streams of one process; ``open`` says how many there are.

    Clients have ``capacity`` places, each of them ``of_client`` at most, operators a few more,
    which no client can take.
    """

    def __init__(self, *, clock: Clock, capacity: int, of_client: int) -> None:
        self.open = 0
        self._of_client = of_client
        self._open_of: Counter[str] = Counter()
        self._clock = clock
        self._capacity = capacity
        self._places: defaultdict[str, set[StreamPlace]] = defaultdict(set)
        self._is_closing = False

    def has_room(self, client_id: str) -> bool:
        """Whether this client may open one more."""
        return (
            not self._is_closing
            and self.open < self._capacity
            and self._open_of[client_id] < self._of_client
        )

    @property
    def has_room_for_operators(self) -> bool:
        """Whether an operator may open one more."""
        return not self._is_closing and self.open < self._capacity + OPERATORS_PLACES

    @contextmanager
    def place(
        self, name: str, until_gone: Callable[[], Awaitable[None]], *, client_id: str = _OPERATORS
    ) -> Iterator[StreamPlace]:
        """A place, where there is room: to be taken before the first look, to miss no word."""
        place = StreamPlace(self._clock)
        place.end_after(partial(self._clock.sleep, STREAM_SECONDS))
        place.end_after(until_gone)
        self._places[name].add(place)
        self.open += 1
        self._open_of[client_id] += 1
        try:
            yield place
        finally:
            self.open -= 1
            self._open_of[client_id] -= 1
            if not self._open_of[client_id]:
                del self._open_of[client_id]
            self._places[name].discard(place)
            if not self._places[name]:
                del self._places[name]
            place.leave()

    def look_again(self, name: str | None) -> None:
        """Something happened to this transaction, or, with None, may have happened to any."""
        for each in self._places if name is None else (name,):
            for place in self._places.get(each, ()):
                place.wake()

    def close(self) -> None:
        """The process ends: end all streams, and open no more."""
        self._is_closing = True
        for places in self._places.values():
            for place in places:
                place.end()


async def _then(what: Callable[[], Awaitable[None]], act: Callable[[], None]) -> None:
    """Act when this has happened, and not when nobody waits for it any more."""
    await what()
    act()
