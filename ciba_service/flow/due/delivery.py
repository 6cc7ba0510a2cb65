"""Callbacks: a client is told that its request was decided (CIBA 10.2, 10.3, FAPI-CIBA 7.8).

Each is due work of its transaction, written by the script that wrote the decision, so that none is
lost; what is done twice is byte for byte the same. No client holds another up: each has so many
callbacks at once, and a short line; what finds no place there comes again, untried.
"""

import asyncio
from dataclasses import replace
from typing import Final, assert_never

import msgspec

from ciba_service.flow.account_gate import AccountGate
from ciba_service.flow.due.jitter import new_jitter
from ciba_service.flow.due.leases import leased_for_attempt
from ciba_service.flow.due.turns import Turns
from ciba_service.flow.granting.push import Pushes
from ciba_service.ports import (
    CallbackProgress,
    CallbackStore,
    Clock,
    DueStore,
    DueWork,
    FailureReason,
    Outbound,
    OutboundFailure,
    OutboundRequest,
    OutboundResponse,
    PendingCallback,
    Randomness,
    Telemetry,
)
from ciba_service.ports.outbound import REFUSED_ADDRESSES
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.security_events.kinds import (
    AttemptedUse,
    CallbackGivenUp,
    CallbackRefused,
    OutboundRefused,
)
from ciba_service.protocol.transaction.callbacks import (
    Abandoned,
    AbandonReason,
    Again,
    Answer,
    CallbackState,
    Delivered,
    Silence,
    judge,
    put_off,
)

__all__ = ["CallbackDelivery"]

MAXIMUM_AT_ONCE: Final = 4096
CLIENT_AT_ONCE: Final = 4  # a quarter of what the door out lets to one host
CLIENT_WAITING: Final = 256
MAXIMUM_WAITING: Final = 16_384
_NEVER_ASKED: Final = frozenset({FailureReason.REFUSED_URL})


class _Ping(msgspec.Struct, frozen=True):
    """The body: nothing but the name of the request (CIBA 10.2)."""

    auth_req_id: str

    def __repr__(self) -> str:
        return "_Ping(...)"


class CallbackDelivery:
    """Makes callbacks; ``run`` is one background task of a process.

    ``timeout`` is how long a client may take to answer, in milliseconds. A callback is leased for
    three times as long and two seconds, which is when another process makes it should this one die
    meanwhile.
    """

    def __init__(
        self,
        *,
        due: DueStore,
        callbacks: CallbackStore,
        pushes: Pushes,
        gate: AccountGate,
        outbound: Outbound,
        timeout: int,
        random: Randomness,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._due = due
        self._callbacks = callbacks
        self._pushes = pushes
        self._gate = gate
        self._outbound = outbound
        self._timeout = timeout
        self._random = random
        self._clock = clock
        self._telemetry = telemetry
        self._waiting: asyncio.Queue[DueWork] = asyncio.Queue(MAXIMUM_AT_ONCE)
        self._started = asyncio.Semaphore(MAXIMUM_WAITING)
        self._places = asyncio.Semaphore(MAXIMUM_AT_ONCE)
        self._turns = Turns(at_once=CLIENT_AT_ONCE, waiting=CLIENT_WAITING)

    def take(self, work: DueWork) -> None:
        """Deliver it soon; when too many wait already, its lease ends and it comes again."""
        try:
            self._waiting.put_nowait(work)
        except asyncio.QueueFull:
            self._telemetry.event("callback_put_off", transaction_id=work.transaction_id)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                work = await self._waiting.get()
                await self._started.acquire()
                task = tasks.create_task(self._guarded(work))
                task.add_done_callback(lambda _: self._started.release())

    async def _guarded(self, work: DueWork) -> None:
        try:
            await self.deliver(work)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one, others are delivered
            # The lease ends by itself, and it is tried again, by a process that can.
            self._telemetry.failure("callback_failed", error, transaction_id=work.transaction_id)

    async def deliver(self, work: DueWork) -> None:
        """Make one attempt, if its client has a place for it.

        Raises:
            StoreUnavailable, SignerUnavailable, UnknownRecordFormat: when nothing could be done.
        """
        leased = await self._leased(work)
        if leased is None:
            return
        work = leased
        pending = await self._callbacks.find(work.transaction_id, now=self._clock.now_ms())
        if pending is None:
            await self._give_up_what_is_gone(work)
            return
        client = await self._gate.client_to_call(pending.client_id)
        if client is None or client.notification_endpoint is None:
            await self._conclude(work, pending, _abandoned(pending, AbandonReason.CLIENT_GONE))
            return
        async with self._turns.turn(client.client_id, patience=self._timeout / 1000) as has_turn:
            if not has_turn:
                await self._conclude(work, pending, self._put_off(pending))
                return
            # Only whoever is not in line has a place, and much may have happened in it.
            async with self._places:
                found = await self._callbacks.find(work.transaction_id, now=self._clock.now_ms())
                if found is None:
                    await self._due.finish(work)
                    return
                progress = await self._tried(found, client, client.notification_endpoint)
                await self._conclude(work, found, progress)

    async def _leased(self, work: DueWork) -> DueWork | None:
        return await leased_for_attempt(
            self._due, work, attempt_ms=self._timeout, clock=self._clock
        )

    async def _give_up_what_is_gone(self, work: DueWork) -> None:
        """Due, but without a record: nobody has made it in time, and operators are to know."""
        gone = CallbackProgress(CallbackState.ABANDONED, 0, reason=AbandonReason.RECORD_GONE)
        if await self._callbacks.note(work, gone, now=self._clock.now_ms()):
            self._telemetry.event(
                "callback_abandoned", transaction_id=work.transaction_id, reason=gone.reason
            )
            self._telemetry.security_event(
                CallbackGivenUp(
                    reason=AbandonReason.RECORD_GONE, transaction_id=work.transaction_id
                )
            )

    async def _tried(
        self, pending: PendingCallback, client: Client, endpoint: str
    ) -> CallbackProgress:
        was_made = pending.attempts > 0 or pending.push is not None
        if was_made and self._clock.now_ms() >= pending.deadline:
            return _abandoned(pending, AbandonReason.TOO_LATE)
        body = await self._body(pending, client)
        if body is None:
            return _abandoned(pending, AbandonReason.NOTHING_TO_TELL)
        attempted = await self._attempt(pending, client, endpoint, body)
        if attempted is None:
            return self._put_off(pending)
        verdict, result = attempted
        return _with_result(_progress(verdict, pending.attempts + 1), result)

    async def _body(self, pending: PendingCallback, client: Client) -> bytes | None:
        if pending.callback.mode is DeliveryMode.PUSH:
            return await self._pushes.body(pending, client)
        return msgspec.json.encode(_Ping(pending.callback.auth_req_id))

    def _put_off(self, pending: PendingCallback) -> CallbackProgress:
        """It found no place, and comes again untried."""
        verdict = put_off(
            now=self._clock.now_ms(), deadline=pending.deadline, jitter=new_jitter(self._random)
        )
        return _progress(verdict, pending.attempts)

    async def _attempt(
        self, pending: PendingCallback, client: Client, endpoint: str, body: bytes
    ) -> tuple[Delivered | Again | Abandoned, OutboundResponse | OutboundFailure] | None:
        """What follows from an attempt; None when nothing was sent, by our own limits."""
        attempt = pending.attempts + 1
        result = await self._outbound.send(
            OutboundRequest.notify(
                endpoint,
                authorization=f"Bearer {pending.callback.token}",
                body=body,
                deadline=self._timeout / 1000,
            )
        )
        if isinstance(result, OutboundFailure) and result.reason is FailureReason.BUSY:
            return None
        outcome: Answer | Silence
        if isinstance(result, OutboundResponse):
            outcome = Answer(result.status, result.retry_after)
            seen: dict[str, object] = {"status": result.status}
        else:
            outcome = Silence(may_pass=result.reason not in _NEVER_ASKED)
            seen = {"failure": result.reason.value, "detail": result.detail}
        self._telemetry.event(
            "callback_attempted",
            transaction_id=pending.transaction_id,
            client_id=client.client_id,
            attempt=attempt,
            **seen,
        )
        self._tell_refused(pending, result)
        verdict = judge(
            outcome,
            attempt=attempt,
            now=self._clock.now_ms(),
            deadline=pending.deadline,
            jitter=new_jitter(self._random),
        )
        return verdict, result

    def _tell_refused(
        self, pending: PendingCallback, result: OutboundResponse | OutboundFailure
    ) -> None:
        """An endpoint that says no, or an address that is never asked."""
        client_id = pending.client_id
        if isinstance(result, OutboundFailure):
            address = REFUSED_ADDRESSES.get(result.reason)
            if address is not None:
                self._telemetry.security_event(
                    OutboundRefused(use=AttemptedUse.CALLBACK, address=address, client_id=client_id)
                )
        elif 300 <= result.status < 500:  # noqa: PLR2004 - RFC 9110 15.4, 15.5
            self._telemetry.security_event(
                CallbackRefused(
                    status=result.status,
                    client_id=client_id,
                    transaction_id=pending.transaction_id,
                )
            )

    async def _conclude(
        self, work: DueWork, pending: PendingCallback, progress: CallbackProgress
    ) -> None:
        is_push = pending.callback.mode is DeliveryMode.PUSH
        if is_push and progress.state is CallbackState.ABANDONED:
            # Before it is written down, so that a crash between them leaves it to be done again;
            # and not after the lease, when another may be delivering them.
            leased = await self._leased(work)
            if leased is None:
                return
            work = leased
            await self._pushes.abandon(pending)
        if await self._callbacks.note(work, progress, now=self._clock.now_ms()):
            self._telemetry.event(
                f"callback_{progress.state}",
                transaction_id=pending.transaction_id,
                client_id=pending.client_id,
                attempts=progress.attempts,
                again_at=progress.again_at or None,
                reason=progress.reason,
            )
            if progress.reason is not None:
                self._telemetry.security_event(
                    CallbackGivenUp(
                        reason=progress.reason,
                        transaction_id=pending.transaction_id,
                        client_id=pending.client_id,
                    )
                )


def _abandoned(pending: PendingCallback, reason: AbandonReason) -> CallbackProgress:
    return CallbackProgress(CallbackState.ABANDONED, pending.attempts, reason=reason)


def _progress(verdict: Delivered | Again | Abandoned, attempts: int) -> CallbackProgress:
    match verdict:
        case Delivered():
            return CallbackProgress(CallbackState.DELIVERED, attempts)
        case Again(at=at):
            return CallbackProgress(CallbackState.DUE, attempts, again_at=at)
        case Abandoned(reason=reason):
            return CallbackProgress(CallbackState.ABANDONED, attempts, reason=reason)
        case _:
            assert_never(verdict)


def _with_result(
    progress: CallbackProgress, result: OutboundResponse | OutboundFailure
) -> CallbackProgress:
    if isinstance(result, OutboundResponse):
        return replace(progress, status=result.status)
    return replace(progress, failure=result.reason)
