"""Long polling: a poll whose transaction is pending is held until it is settled (CIBA 10.1).

A held poll costs memory and a timer, and asks nothing of the store meanwhile. It looks again when
the word goes round that its transaction was settled, when such words may have been lost, when a
newer poll has come, and at its end.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable

from ciba_service.ports import Clock, Transaction, TransactionStore
from ciba_service.ports.admission import NOWHERE, RequestPlace
from ciba_service.protocol.transaction.state import State
from ciba_service.protocol.transaction.waiting import applied_wait, holding_ms

__all__ = ["HeldPolls", "Patience", "Seat"]


class Patience:
    """How long the sender of one request is willing to wait, and whether it is still there.

    ``preferred`` is in seconds, None when the request does not say; ``applied`` is what was made
    of it, 0 while the request was not held.
    """

    __slots__ = ("_until_gone", "applied", "has_gone", "place", "preferred")

    def __init__(
        self,
        preferred: int | None,
        until_gone: Callable[[], Awaitable[None]],
        place: RequestPlace = NOWHERE,
    ) -> None:
        """``place`` is the request's, which others may have while it is held."""
        self.place = place
        self.preferred = preferred
        self.applied = 0
        self.has_gone = False
        self._until_gone = until_gone

    async def watch(self) -> None:
        """Wait until the sender has gone, and remember it."""
        await self._until_gone()
        self.has_gone = True


class Seat:
    """A place for one poll that may be held; ``operation`` is the poll's, ``wait`` in seconds."""

    __slots__ = ("changed", "client_id", "name", "operation", "patience", "tasks", "wait")

    def __init__(
        self, name: str, operation: str, client_id: str, patience: Patience, wait: int
    ) -> None:
        self.name = name
        self.operation = operation
        self.client_id = client_id
        self.patience = patience
        self.wait = wait
        self.changed = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    def wake_after(self, what: Awaitable[None]) -> asyncio.Task[None]:
        """Look again when this has happened."""
        task = asyncio.ensure_future(what)
        task.add_done_callback(lambda _: self.changed.set())
        self.tasks.append(task)
        return task


class HeldPolls:
    """The held polls of one process, ``capacity`` at most; ``held`` says how many there are.

    No client has more than ``of_client`` of them, so that there are some for the others.
    """

    def __init__(
        self, *, transactions: TransactionStore, clock: Clock, capacity: int, of_client: int
    ) -> None:
        self.held = 0
        self._transactions = transactions
        self._clock = clock
        self._capacity = capacity
        self._of_client = of_client
        self._taken_by: Counter[str] = Counter()
        self._seats: defaultdict[str, set[Seat]] = defaultdict(set)
        self._taken = 0
        self._is_closing = False

    def take_seat(
        self, name: str, operation: str, patience: Patience, *, client_id: str, registered: int
    ) -> Seat | None:
        """A place for a poll that wants to wait, taken before it looks so that it misses no word.

        It is given up with ``leave``. None when it does not want to, or nobody more of its client
        can be held: it is an ordinary poll then.
        """
        wait = applied_wait(patience.preferred, registered=registered)
        if not wait or not self._has_room(client_id):
            return None
        seat = Seat(name, operation, client_id, patience, wait)
        self._seats[name].add(seat)
        self._taken += 1
        self._taken_by[client_id] += 1
        return seat

    def leave(self, seat: Seat) -> None:
        """It waits no longer."""
        name, client_id = seat.name, seat.client_id
        self._taken -= 1
        self._taken_by[client_id] -= 1
        if not self._taken_by[client_id]:
            del self._taken_by[client_id]
        self._seats[name].discard(seat)
        if not self._seats[name]:
            del self._seats[name]
        for task in seat.tasks:
            task.cancel()

    def _has_room(self, client_id: str) -> bool:
        return (
            not self._is_closing
            and self._taken < self._capacity
            and self._taken_by[client_id] < self._of_client
        )

    def look_again(self, name: str | None, *, besides: Seat | None = None) -> None:
        """Something happened to this transaction, or, with None, may have happened to any."""
        for each in self._seats if name is None else (name,):
            for seat in self._seats.get(each, ()):
                if seat is not besides:
                    seat.changed.set()

    def close(self) -> None:
        """The process ends: answer all that are held, and hold no more."""
        self._is_closing = True
        self.look_again(None)

    async def settled(self, seat: Seat) -> Transaction | None:
        """Hold a poll that found its transaction pending; raises ``StoreUnavailable``.

        None when it is still pending at the end of the wait, the client has gone, or a newer poll
        has come, which alone may collect what is decided.
        """
        seat.patience.applied = seat.wait
        ending = seat.wake_after(self._clock.sleep(holding_ms(seat.wait) / 1000))
        seat.wake_after(seat.patience.watch())
        self.held += 1
        try:
            with seat.patience.place.aside():
                return await self._settled(seat, ending)
        finally:
            self.held -= 1

    async def _settled(self, seat: Seat, ending: asyncio.Task[None]) -> Transaction | None:
        while True:
            await seat.changed.wait()
            seat.changed.clear()
            is_last = self._is_closing or ending.done()
            transaction = await self._look(seat)
            if transaction is None or transaction.state is not State.PENDING:
                return transaction
            if is_last:
                return None

    async def _look(self, seat: Seat) -> Transaction | None:
        """As it stands, unless this poll may not collect it."""
        if seat.patience.has_gone:
            return None
        found = await self._transactions.read(seat.name, now=self._clock.now_ms())
        if found is None or found.last_poll not in {"", seat.operation}:
            return None
        return found
