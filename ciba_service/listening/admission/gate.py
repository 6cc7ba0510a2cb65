"""The places of one process: who takes one, who waits for one, and who is refused.

A request takes a place once its body is there, before anything of it is verified or looked up, and
leaves it with the head of its answer. Taking a place that is free costs two comparisons of
integers; all else is for when there is none.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from time import perf_counter
from typing import Final

from ciba_service.ports import Telemetry
from ciba_service.protocol.admission.fair_queue import FairQueue
from ciba_service.protocol.admission.limit import AdaptiveLimit
from ciba_service.protocol.admission.patience import QueuePatience
from ciba_service.protocol.admission.shares import ClientShares

__all__ = ["Gate", "GateBounds", "Shed"]

_TICK_SECONDS: Final = 0.1
_LINE_SECONDS: Final = 1.0


class Shed(StrEnum):
    """Why a request was refused."""

    FULL = "full"
    """As many wait as may."""
    TOO_LATE = "too_late"
    """It has waited for as long as it may."""
    SHARE = "share"
    """Its client has its share of the places, or its address that of sockets of strangers."""


@dataclass(frozen=True, slots=True)
class GateBounds:
    """``requests`` under work and ``waiting`` at the most; ``wait_seconds`` in the queue."""

    requests: int
    waiting: int
    wait_seconds: float


class _Waiting:
    __slots__ = ("came_at", "is_let_in")

    def __init__(self, came_at: float) -> None:
        self.came_at = came_at
        self.is_let_in: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def answer(self, *, let_in: bool) -> bool:
        """Whether somebody was there to hear it."""
        if self.is_let_in.done():
            return False
        self.is_let_in.set_result(let_in)
        return True


class Gate:
    """``in_work`` and ``limit`` are what whoever measures looks at, and ``lag`` in seconds."""

    def __init__(
        self,
        bounds: GateBounds,
        telemetry: Telemetry,
        *,
        on_shed: Callable[[Shed], None] = lambda _: None,
        on_lag: Callable[[float], None] = lambda _: None,
        now: Callable[[], float] = perf_counter,
    ) -> None:
        """``on_shed`` is told of each refusal, ``on_lag`` how late the loop was each time.

        ``now`` is in seconds from anywhere.
        """
        self.in_work = 0
        self.lag = 0.0
        self.shares = ClientShares()
        self._limit = AdaptiveLimit(bounds.requests)
        self._patience = QueuePatience(bounds.wait_seconds, bounds.waiting)
        self._queue: FairQueue[_Waiting] = FairQueue()
        self._telemetry = telemetry
        self._on_shed = on_shed
        self._on_lag = on_lag
        self._now = now
        self.limit = self._limit.value
        self._coming: Counter[str] = Counter()
        self._number_coming = 0
        self._served = 0
        self._was_full = False
        self._was_empty = True
        self._has_refused = False
        self._shed = 0
        self._last_line = now() - _LINE_SECONDS

    @property
    def waiting(self) -> int:
        """How many requests wait for a place."""
        return len(self._queue)

    @property
    def is_crowded(self) -> bool:
        """Whether somebody has to wait, or the next one would."""
        return self.in_work >= self.limit

    @property
    def may_be_full(self) -> bool:
        """Whether one more might be turned away, those that are about to begin included."""
        return self.in_work + self._number_coming >= self.limit

    @property
    def is_half_full(self) -> bool:
        """Whether those who are about to begin are to be reckoned with."""
        return self.in_work * 2 >= self.limit

    def comes(self, key: str) -> None:
        """A request was received, and begins with the others of this round of the loop.

        A loop reads from all connections before any request that it read begins.
        """
        if not self._number_coming:
            asyncio.get_running_loop().call_soon(self._have_come)
        self._coming[key] += 1
        self._number_coming += 1

    def turns_away(self, key: str) -> bool:
        """Whether there is neither a place nor room to wait for one; then it is counted."""
        beyond = self.in_work + self._number_coming - self.limit
        if beyond < 0 or self._queue.has_room(
            key, self._patience.room, coming=self._coming, beyond=beyond
        ):
            return False
        self._was_full = True
        self.refused(Shed.FULL)
        return True

    async def let_in(self, key: str) -> bool:
        """Take a place, at once or after a while; False when there is none for it."""
        if self.in_work < self.limit and not self._queue:
            self.in_work += 1
            return True
        self._was_full = True
        if not self._queue.has_room(key, self._patience.room):
            self.refused(Shed.FULL)
            return False
        waiting = _Waiting(self._now())
        gone = self._queue.put(key, waiting, self._patience.room)
        if gone is not None and gone.answer(let_in=False):
            self.refused(Shed.FULL)
        try:
            return await waiting.is_let_in
        except asyncio.CancelledError:
            self._queue.discard(key, waiting)
            if not waiting.is_let_in.cancelled() and waiting.is_let_in.result():
                self.leave()  # it had just been given a place
            raise

    def enter(self) -> None:
        """Take a place whether there is one or not: whoever was let in before comes back."""
        self.in_work += 1

    def leave(self) -> None:
        """A place is free, and goes to whoever waits for it."""
        self._served += 1
        self.in_work -= 1
        if self._queue:
            self._fill()

    def refused(self, cause: Shed) -> None:
        """Count a refusal."""
        self._shed += 1
        self._has_refused = True
        self._on_shed(cause)

    async def run(self) -> None:
        """Look ten times a second how late the loop is, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _TICK_SECONDS
            await asyncio.sleep(_TICK_SECONDS)
            self.look(loop.time() - due, _TICK_SECONDS)

    def look(self, lag: float, period: float) -> None:
        """The loop was late by ``lag`` at the end of a ``period``, both in seconds."""
        self.lag = max(0.0, lag)
        self._on_lag(self.lag)
        self._limit.observe(lag, was_full=self._was_full)
        self._patience.observe(
            self._served,
            period + self.lag,
            lag=self.lag,
            was_empty=self._was_empty,
            has_refused=self._has_refused,
        )
        self.limit = self._limit.value
        self._served, self._was_full, self._has_refused = 0, False, False
        self._was_empty = not self._queue
        self._expire()
        self._fill()
        self._tell()

    def _have_come(self) -> None:
        self._coming.clear()
        self._number_coming = 0

    def _fill(self) -> None:
        oldest = self._now() - self._patience.seconds
        while self.in_work < self.limit:
            waiting = self._queue.take()
            if waiting is None:
                break
            if waiting.came_at < oldest:
                self._too_late(waiting)
            elif waiting.answer(let_in=True):
                self.in_work += 1
        self._was_empty = self._was_empty or not self._queue

    def _expire(self) -> None:
        oldest = self._now() - self._patience.seconds
        while late := [each for each in self._queue.heads() if each[1].came_at < oldest]:
            for key, waiting in late:
                self._queue.discard(key, waiting)
                self._too_late(waiting)

    def _too_late(self, waiting: _Waiting) -> None:
        if waiting.answer(let_in=False):
            self.refused(Shed.TOO_LATE)

    def _tell(self) -> None:
        """One line a second at the most, however many were refused."""
        now = self._now()
        if self._shed and now - self._last_line >= _LINE_SECONDS:
            self._telemetry.event(
                "requests_shed",
                number=self._shed,
                in_work=self.in_work,
                limit=self.limit,
                lag_ms=round(self.lag * 1000),
            )
            self._shed, self._last_line = 0, now
