"""Phones that did not get a prompt by a socket are woken, so that they fetch it (RFC 8030).

A phone that has got a challenge says so (``received``), whichever process and connection brought
it. Whoever has not said so when the grace has passed is woken: no process need know what sockets
the others have, and a connection that is dead without anybody's knowledge counts for nothing.

It is due work of the transaction: nothing waits for it, one process at a time does it, and another
one takes over. A phone is woken once for a prompt.
"""

import asyncio
from typing import Final

from ciba_service.flow.account_gate import AccountGate, Parties
from ciba_service.flow.due.jitter import new_jitter
from ciba_service.flow.due.leases import leased_for_attempt
from ciba_service.ports import (
    Clock,
    DueKind,
    DueStore,
    DueWork,
    FailureReason,
    OutboundFailure,
    OutboundResponse,
    Randomness,
    SignerUnavailable,
    StoreUnavailable,
    Telemetry,
    Transaction,
    UnknownRecordFormat,
)
from ciba_service.ports.phones.wake_up import (
    SleepingPhone,
    WakeUp,
    WakeUpCall,
    WakeUpRound,
    WakeUpStore,
)
from ciba_service.protocol.transaction.callbacks import Again, Answer, Silence, judge
from ciba_service.protocol.transaction.gate import DeviceState, Step

__all__ = ["WakeUps"]

MAXIMUM_AT_ONCE: Final = 1_024
_NEVER_ASKED: Final = frozenset({FailureReason.REFUSED_URL, FailureReason.REFUSED_ADDRESS})
_GONE: Final = frozenset({404, 410})  # RFC 8030 7.3


_Result = OutboundResponse | OutboundFailure


class WakeUps:
    """Wakes phones; ``run`` is one background task of a process.

    ``grace`` is how long phones have to say that they got the challenge, ``timeout`` how long
    whatever wakes them may take to answer; both are in milliseconds.
    """

    def __init__(
        self,
        *,
        wake_up: WakeUp,
        store: WakeUpStore,
        due: DueStore,
        gate: AccountGate,
        grace: int,
        timeout: int,
        random: Randomness,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._wake_up = wake_up
        self._store = store
        self._due = due
        self._gate = gate
        self._grace = grace
        self._timeout = timeout
        self._random = random
        self._clock = clock
        self._telemetry = telemetry
        self._waiting: asyncio.Queue[DueWork] = asyncio.Queue(MAXIMUM_AT_ONCE)
        self._places = asyncio.Semaphore(MAXIMUM_AT_ONCE)

    async def plan(self, transaction: Transaction) -> int | None:
        """Make it due to wake whoever does not answer; the delay in milliseconds, if anybody can.

        Raises:
            StoreUnavailable: when the store cannot be reached; to be done again then.
        """
        try:
            phones = await self._store.phones(transaction.user_tag)
        except UnknownRecordFormat as error:
            # Whoever is connected was told, and is not to be told again for this.
            self._failed(transaction.transaction_id, error)
            return None
        if not any(map(self._wake_up.reaches, phones)) or not await self._lets_ask(transaction):
            return None
        at = self._clock.now_ms() + self._grace
        await self._due.add(DueKind.WAKE, transaction.transaction_id, at=at)
        self._telemetry.event("wake_up_planned", transaction_id=transaction.transaction_id)
        return self._grace

    async def _lets_ask(self, transaction: Transaction) -> bool:
        """Whether a phone that looks now would be shown it."""
        request = transaction.request
        return request is not None and await self._gate.lets_ask(
            Step.NOTIFY,
            Parties(request.subject, transaction.client_id),
            device=DeviceState.ACTIVE,
            is_locked=False,
        )

    def take(self, work: DueWork) -> None:
        """Do it soon; when too many wait already, its lease ends and it comes again."""
        try:
            self._waiting.put_nowait(work)
        except asyncio.QueueFull:
            self._telemetry.event("wake_up_put_off", transaction_id=work.transaction_id)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                work = await self._waiting.get()
                await self._places.acquire()
                task = tasks.create_task(self._guarded(work))
                task.add_done_callback(lambda _: self._places.release())

    async def _guarded(self, work: DueWork) -> None:
        try:
            await self.carry_out(work)
        except (StoreUnavailable, SignerUnavailable, UnknownRecordFormat) as error:
            # The lease ends by itself, and it is tried again, by a process that can.
            self._failed(work.transaction_id, error)

    def _failed(self, transaction_id: str, error: Exception) -> None:
        self._telemetry.failure("wake_up_failed", error, transaction_id=transaction_id)

    async def carry_out(self, work: DueWork) -> None:
        """Make one attempt for each phone that still needs one.

        Raises:
            StoreUnavailable, SignerUnavailable, UnknownRecordFormat: when nothing could be done.
        """
        leased = await leased_for_attempt(
            self._due, work, attempt_ms=self._timeout, clock=self._clock
        )
        if leased is None:
            return
        found = await self._store.round(work.transaction_id, now=self._clock.now_ms())
        if found is None:
            await self._due.finish(leased)
            return
        phones = list(filter(self._wake_up.reaches, found.phones))
        instants = await asyncio.gather(*(self._attempt(phone, found) for phone in phones))
        again = {
            phone.device_id: at
            for phone, at in zip(phones, instants, strict=True)
            if at is not None
        }
        again_at = min(again.values(), default=None)
        settled = [phone.device_id for phone in phones if phone.device_id not in again]
        await self._store.note(leased, found, settled=settled, again_at=again_at)
        self._telemetry.event(
            "wake_up_done",
            transaction_id=work.transaction_id,
            phones=len(phones),
            again_at=again_at,
        )

    async def _attempt(self, phone: SleepingPhone, found: WakeUpRound) -> int | None:
        """When to try again, in milliseconds since the epoch; None when there is no need to."""
        call = found.call
        result = await self._wake_up.wake(phone, call)
        self._tell(phone, call, result)
        if self._wake_up.uses_address(phone) and _is_gone(result):
            await self._store.drop(phone.device_id, only=phone.address)
            return None
        verdict = judge(
            _outcome(result),
            attempt=found.attempts + 1,
            now=self._clock.now_ms(),
            deadline=call.expires_at,
            jitter=new_jitter(self._random),
        )
        return verdict.at if isinstance(verdict, Again) else None

    def _tell(self, phone: SleepingPhone, call: WakeUpCall, result: _Result) -> None:
        seen: dict[str, object]
        if isinstance(result, OutboundResponse):
            seen = {"status": result.status}
        else:
            seen = {"failure": result.reason.value, "detail": result.detail}
        self._telemetry.event(
            "wake_up_attempted",
            transaction_id=call.transaction_id,
            device_id=phone.device_id,
            **seen,
        )


def _is_gone(result: _Result) -> bool:
    """Whether a push service says that it knows the address no more."""
    return isinstance(result, OutboundResponse) and result.status in _GONE


def _outcome(result: _Result) -> Answer | Silence:
    """An address that is never asked is not tried again."""
    if isinstance(result, OutboundResponse):
        return Answer(result.status, result.retry_after)
    return Silence(may_pass=result.reason not in _NEVER_ASKED)
