"""Due work: announce, expire and settle transactions, by whichever process gets the lease.

Whoever writes due work nudges its own worker, which does it at once; a sweep finds what a dead
process left behind. Each piece of work may run twice and does no harm then.

What every transaction brings, telling the phones and settling its prompt, is leased from the
beginning to the process that writes it: nobody has to claim it, and it is done in batches.

A process whose clock is ahead of the store's claims nothing: by that clock everybody's requests
have expired, and tokens that are being pushed are too late.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never

from ciba_service.flow.due.batches import Batches
from ciba_service.flow.due.delivery import CallbackDelivery
from ciba_service.flow.due.settlement import Answered, Settlement
from ciba_service.flow.due.store_time import StoreTime
from ciba_service.flow.due.wake_ups import WakeUps
from ciba_service.flow.together import outcomes
from ciba_service.ports import (
    LEASE_MS,
    Announcement,
    AnnouncementKind,
    Clock,
    DeviceHub,
    DueKind,
    DueStore,
    DueWork,
    LedgerStore,
    StoreUnavailable,
    Swap,
    Telemetry,
    Transaction,
    TransactionStore,
    UnknownRecordFormat,
)
from ciba_service.protocol.transaction.state import Event, State
from ciba_service.sca.phones.devices import UserTag

__all__ = ["DueWorker"]

MOST_LATER: Final = 10_000
SWEEP_SECONDS: Final = 1.0
_BATCH: Final = 64


@dataclass(frozen=True, slots=True)
class _Offer:
    work: DueWork
    tag: UserTag


@dataclass(frozen=True, slots=True)
class _Closed:
    work: DueWork
    prompt: Answered


class DueWorker:
    """Does due work of all partitions; ``run`` is one background task of a process."""

    def __init__(
        self,
        *,
        due: DueStore,
        transactions: TransactionStore,
        settlement: Settlement,
        ledgers: LedgerStore,
        hub: DeviceHub,
        delivery: CallbackDelivery,
        wake_ups: WakeUps | None = None,
        partition_of: Callable[[str], int],
        store_time: StoreTime,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._due = due
        self._transactions = transactions
        self._settlement = settlement
        self._ledgers = ledgers
        self._hub = hub
        self._delivery = delivery
        self._wake_ups = wake_ups
        self._partition_of = partition_of
        self._store_time = store_time
        self._clock = clock
        self._telemetry = telemetry
        self._is_ahead = False
        self._announcing = Batches(self._announce_all)
        self._settling = Batches(self._settle_all)
        self._nudged: set[int] = set()
        self._wake = asyncio.Event()
        self._later: set[asyncio.Task[None]] = set()

    def lease(self, now: int) -> int | None:
        """Until when this process keeps to itself what is due now; None while it does not work.

        Whoever writes the work with it calls ``announce`` or ``settle`` afterwards.
        """
        return now + LEASE_MS if self._announcing.runs else None

    def announce(self, transaction_id: str, tag: UserTag, until: int | None) -> None:
        """Tell the phones of a transaction; ``until`` is the lease it was stored with."""
        if until is None:
            self.nudge(transaction_id)
        else:
            work = DueWork(DueKind.ANNOUNCE, transaction_id, until)
            self._announcing.add(_Offer(work, tag))

    def settle(self, prompt: Answered, until: int | None) -> None:
        """Settle a prompt that was decided; ``until`` is the lease that was written with it."""
        if until is None:
            self.nudge(prompt.transaction_id)
        else:
            self._settling.add(
                _Closed(DueWork(DueKind.SETTLE, prompt.transaction_id, until), prompt)
            )

    async def block(self, reported: Answered) -> None:
        """Heed the user's word on a prompt that was over already; raises ``StoreUnavailable``.

        No due work stands for it: what is just being stored is come back for by this process.
        """
        ended = await self._settlement.block(reported)
        for name in ended.transaction_ids:
            self.nudge(name)
        if not ended.all and len(self._later) < MOST_LATER:
            self._remember(self._block_later(reported))

    def nudge(self, transaction_id: str) -> None:
        """Something is due for this transaction: look there now."""
        self._nudged.add(self._partition_of(transaction_id))
        self._wake.set()

    def nudge_after(self, transaction_id: str, delay: int) -> None:
        """Look there after ``delay`` milliseconds.

        When too many are remembered the sweep, which comes by itself, finds what is due.
        """
        if not delay:
            self.nudge(transaction_id)
        if not delay or len(self._later) >= MOST_LATER:
            return
        self._remember(self._nudge_later(transaction_id, delay))

    def _remember(self, later: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(later)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _block_later(self, reported: Answered) -> None:
        is_heard = False
        while not is_heard:
            await self._clock.sleep(LEASE_MS / 1000)
            try:
                await self.block(reported)
                is_heard = True
            except (StoreUnavailable, UnknownRecordFormat) as error:
                self._telemetry.failure(
                    "due_work_failed", error, transaction_id=reported.transaction_id
                )

    async def _nudge_later(self, transaction_id: str, delay: int) -> None:
        await self._clock.sleep(delay / 1000)
        self.nudge(transaction_id)

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._announcing.run())
                tasks.create_task(self._settling.run())
                tasks.create_task(self._work_on_nudges())
                tasks.create_task(self._sweep())
        finally:
            for task in self._later:
                task.cancel()

    async def work_off(self, partition: int) -> None:
        """Do whatever is due in one partition now."""
        while True:
            works = await self._due.claim(partition, now=self._clock.now_ms(), limit=_BATCH)
            # Side by side, so that their commands share round trips.
            outcomes = await asyncio.gather(*map(self._do, works), return_exceptions=True)
            for outcome in outcomes:
                if outcome is not None:
                    raise outcome
            if len(works) < _BATCH:
                return

    async def _do(self, work: DueWork) -> None:
        try:
            is_done = await self._perform(work)
        except UnknownRecordFormat as error:
            # Left for a process that knows the format; what else is due must not wait for it.
            self._telemetry.failure("due_work_failed", error, transaction_id=work.transaction_id)
            return
        if is_done:
            await self._due.finish(work)

    async def _announce_all(self, offers: Sequence[_Offer]) -> None:
        # Already written down: no phone answers before.
        telling = (self._offer(each.tag, each.work.transaction_id) for each in offers)
        told = self._succeeded([each.work for each in offers], await outcomes(*telling))
        if self._wake_ups is not None:
            plans = (self._plan_wake_ups(self._wake_ups, work.transaction_id) for work, _ in told)
            planned = await asyncio.gather(*plans, return_exceptions=True)
            told = self._succeeded([work for work, _ in told], planned)
        await self._finish([work for work, _ in told])

    async def _settle_all(self, closed: Sequence[_Closed]) -> None:
        settling = (self._settled(each.prompt) for each in closed)
        ended = self._succeeded([each.work for each in closed], await outcomes(*settling))
        await self._finish([work for work, is_over in ended if is_over])

    async def _finish(self, works: Sequence[DueWork]) -> None:
        self._succeeded(works, await outcomes(*map(self._due.finish, works)))

    def _succeeded(
        self, works: Sequence[DueWork], ended: Sequence[Any]
    ) -> list[tuple[DueWork, Any]]:
        """Those that did not fail, with their results; the others are due when their lease ends."""
        succeeded = []
        for work, outcome in zip(works, ended, strict=True):
            if isinstance(outcome, StoreUnavailable | UnknownRecordFormat):
                self._telemetry.failure(
                    "due_work_failed", outcome, transaction_id=work.transaction_id
                )
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                succeeded.append((work, outcome))
        return succeeded

    async def _offer(self, tag: UserTag, transaction_id: str) -> None:
        await self._hub.announce(Announcement(AnnouncementKind.OFFER, tag, transaction_id))

    async def _work_on_nudges(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            partitions, self._nudged = self._nudged, set()
            if not self._is_ahead:
                await asyncio.gather(*map(self._guarded, partitions))

    async def _sweep(self) -> None:
        while True:
            try:
                found = await self._partitions_with_work()
            except StoreUnavailable as error:
                self._telemetry.failure("sweep_failed", error)
                found = ()
            await asyncio.gather(*map(self._guarded, found))
            await self._clock.sleep(SWEEP_SECONDS)

    async def _partitions_with_work(self) -> Sequence[int]:
        """Where there is something to be claimed; it is left to others while the clock is ahead."""
        is_ahead, found = await asyncio.gather(
            self._store_time.is_passed(), self._due.partitions_with_work(now=self._clock.now_ms())
        )
        if is_ahead and not self._is_ahead:
            self._telemetry.event("due_work_left_to_others")
        elif self._is_ahead and not is_ahead:
            self._telemetry.event("due_work_goes_on")
        self._is_ahead = is_ahead
        return () if is_ahead else found

    async def _guarded(self, partition: int) -> None:
        try:
            await self.work_off(partition)
        except StoreUnavailable as error:
            # The lease ends by itself; the sweep or another process comes back to it.
            self._telemetry.failure("due_work_failed", error, partition=partition)

    async def _perform(self, work: DueWork) -> bool:
        """Whether it is done; else it is due again when its lease ends, or finished elsewhere."""
        match work.kind:
            case DueKind.ANNOUNCE:
                await self._announce(work.transaction_id)
            case DueKind.EXPIRE:
                return await self._expire(work.transaction_id)
            case DueKind.SETTLE:
                return await self._settle(work.transaction_id)
            case DueKind.CALLBACK:
                # It may take long, holds nothing else up, and is finished there.
                self._delivery.take(work)
                return False
            case DueKind.WAKE:
                return self._hand_over(work)
            case _:
                assert_never(work.kind)
        return True

    async def _announce(self, transaction_id: str) -> None:
        # In this order: no phone answers before it is written down.
        tag = await self._ledgers.announced(transaction_id, now=self._clock.now_ms())
        if tag is None:
            return
        await self._offer(tag, transaction_id)
        if self._wake_ups is not None:
            await self._plan_wake_ups(self._wake_ups, transaction_id)

    async def _plan_wake_ups(self, wake_ups: WakeUps, transaction_id: str) -> None:
        """Phones that are connected were told already: nothing waits for this."""
        transaction = await self._read(transaction_id)
        delay = None if transaction is None else await wake_ups.plan(transaction)
        if delay is not None:
            self.nudge_after(transaction_id, delay)

    def _hand_over(self, work: DueWork) -> bool:
        if self._wake_ups is None:  # They were configured when it became due.
            return True
        self._wake_ups.take(work)
        return False

    async def _expire(self, transaction_id: str) -> bool:
        result = await self._transactions.swap(
            Swap(
                transaction_id=transaction_id,
                event=Event.EXPIRE,
                operation="expiry",
                now=self._clock.now_ms(),
            )
        )
        if result.won:
            self.nudge(transaction_id)  # to settle it
            self._telemetry.event("transaction_expired", transaction_id=transaction_id)
        # Still pending: the clock went back since it was claimed, and its time is yet to come.
        return result.state is not State.PENDING

    async def _settle(self, transaction_id: str) -> bool:
        now = self._clock.now_ms()
        transaction = await self._transactions.outline(transaction_id, now=now)
        # Pending: somebody else wrote that it is due. What lets it end makes it due again.
        if transaction is None or transaction.state is State.PENDING:
            return True
        return await self._settled(Answered.of(transaction))

    async def _settled(self, prompt: Answered) -> bool:
        ended = await self._settlement.settle(prompt)
        for name in ended.transaction_ids:
            self.nudge(name)
        if ended.all:
            state = prompt.state
            self._telemetry.event(
                "transaction_settled",
                transaction_id=prompt.transaction_id,
                client_id=prompt.client_id,
                # A client may be faster than the due work.
                outcome=State.APPROVED if state is State.REDEEMED else state,
            )
        return ended.all

    async def _read(self, transaction_id: str) -> Transaction | None:
        return await self._transactions.read(transaction_id, now=self._clock.now_ms())
