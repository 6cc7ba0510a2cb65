"""A phone decides: verify what it signed, count and evaluate its factors, swap (PSD2 RTS 4, 5)."""

from typing import Final

from ciba_service.flow.account_gate import AccountGate, Parties
from ciba_service.flow.deciding.factor_check import FactorCheck
from ciba_service.flow.deciding.failed_attempts import FailedAttempts
from ciba_service.flow.deciding.heard_decision import HeardDecision
from ciba_service.flow.due.due_work import DueWorker
from ciba_service.flow.due.settlement import Answered
from ciba_service.flow.together import together
from ciba_service.ports import (
    AttemptStore,
    Clock,
    Decided,
    DeviceStore,
    KeyRing,
    StoredRequest,
    StoreUnavailable,
    Swap,
    SwapResult,
    Telemetry,
    Transaction,
    TransactionStore,
)
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.security_events.kinds import (
    FactorsLocked,
    InvalidDecision,
    WrongFactors,
)
from ciba_service.protocol.transaction.gate import DeviceState, Step
from ciba_service.protocol.transaction.state import Event, FailureReason, State
from ciba_service.sca.challenge import issued_at
from ciba_service.sca.decision import (
    InvalidDecisionError,
    PresentedDecision,
    SignedDecision,
    parse_decision,
    verify_decision,
)
from ciba_service.sca.factors.attempts import Attempt, LockedError, PausedError, seconds_until
from ciba_service.sca.factors.passkeys import RelyingParty
from ciba_service.sca.factors.policy import amr_of
from ciba_service.sca.messages import (
    Accepted,
    DenialReason,
    Factor,
    RefusalReason,
    Refused,
    Verdict,
)
from ciba_service.sca.phones.devices import Device, DeviceRevoked
from ciba_service.sca.records.evidence import Evidence

__all__ = ["Decisions"]

_EVENTS: Final = {Verdict.APPROVE: Event.APPROVE, Verdict.DENY: Event.DENY}
_OVER_WITHOUT_USER: Final = frozenset({State.CANCELLED, State.EXPIRED})


class Decisions:
    """Four round trips at most: read, reserve the attempt, spend code and count, swap."""

    def __init__(
        self,
        *,
        issuer: str,
        transactions: TransactionStore,
        devices: DeviceStore,
        attempts: AttemptStore,
        failures: FailedAttempts,
        gate: AccountGate,
        keys: KeyRing,
        worker: DueWorker,
        callback_delay: int,
        keeps_evidence: bool,
        party: RelyingParty | None,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._issuer = issuer
        self._transactions = transactions
        self._devices = devices
        self._attempts = attempts
        self._failures = failures
        self._gate = gate
        self._keys = keys
        self._worker = worker
        self._callback_delay = callback_delay
        self._keeps_evidence = keeps_evidence
        self._factors = FactorCheck(attempts=attempts, party=party, telemetry=telemetry)
        self._clock = clock
        self._telemetry = telemetry

    async def decide(self, device_id: str, text: str) -> Accepted | Refused:
        """Hear a decision of an authenticated phone.

        Raises:
            InvalidDecisionError: when it is no decision at all (the phone broke the protocol).
            DeviceRevoked: when the phone may not decide any more.
            StoreUnavailable: when the store cannot be reached; the same decision may come again.
        """
        presented = parse_decision(text)
        transaction, device = await together(
            self._transactions.read(presented.claims.transaction_id, now=self._clock.now_ms()),
            self._devices.find(device_id),
        )
        if device is None:
            raise DeviceRevoked
        answer = await self._answer(presented, transaction, device)
        self._telemetry.event(
            "decision_accepted" if isinstance(answer, Accepted) else "decision_refused",
            transaction_id=presented.claims.transaction_id,
            device_id=device_id,
            verdict=presented.claims.verdict.value,
            reason=answer.reason.value if isinstance(answer, Refused) else None,
        )
        return answer

    async def _answer(
        self, presented: PresentedDecision, transaction: Transaction | None, device: Device
    ) -> Accepted | Refused:
        if transaction is None or transaction.user_tag != device.tag:
            if transaction is not None:
                self._tell_refused(presented, transaction, device, Cause.FOREIGN)
            return _refused(presented, RefusalReason.NOT_OPEN)
        if transaction.decision == presented.operation:
            return await self._again(presented)
        request = transaction.request
        if transaction.state is not State.PENDING or request is None:
            is_heeded = await self._heeds_late(presented, transaction, device)
            return _refused(presented, RefusalReason.NOT_OPEN, reported=is_heeded)
        try:
            decision = self._verify(presented, device, request)
        except InvalidDecisionError as error:
            self._telemetry.event("decision_invalid", device_id=device.device_id, detail=str(error))
            self._tell_refused(presented, transaction, device, error.cause)
            return _refused(presented, RefusalReason.INVALID_DECISION)
        heard = HeardDecision(presented, decision, request, transaction.client_id)
        return await self._apply(heard)

    async def _heeds_late(
        self, presented: PresentedDecision, transaction: Transaction, device: Device
    ) -> bool:
        """Block a client that its user does not know, however short its prompts are open."""
        request = transaction.request
        if request is None or not _is_late_report(presented, transaction.state):
            return False
        try:
            self._verify(presented, device, request)
        except InvalidDecisionError as error:
            self._tell_refused(presented, transaction, device, error.cause)
            return False
        await self._worker.block(
            Answered(
                transaction_id=transaction.transaction_id,
                client_id=transaction.client_id,
                user_tag=device.tag,
                state=transaction.state,
            )
        )
        return True

    def _tell_refused(
        self, presented: PresentedDecision, transaction: Transaction, device: Device, cause: Cause
    ) -> None:
        self._telemetry.security_event(
            InvalidDecision(
                cause=cause,
                device_id=device.device_id,
                user=device.tag,
                transaction_id=presented.claims.transaction_id,
                client_id=transaction.client_id,
            )
        )

    def _verify(
        self, presented: PresentedDecision, device: Device, request: StoredRequest
    ) -> SignedDecision:
        return verify_decision(
            presented,
            device=device,
            issuer=self._issuer,
            challenge=request.challenge,
            encryption_key=self._keys.factors_key,
        )

    async def _apply(self, heard: HeardDecision) -> Accepted | Refused:
        parties = Parties(heard.request.subject, heard.client_id)
        # The phone was just found; the lock is found where the attempt is reserved.
        if not await self._gate.lets_ask(
            Step.APPROVE, parties, device=DeviceState.ACTIVE, is_locked=False
        ):
            return _refused(heard.presented, RefusalReason.NOT_OPEN)
        if heard.signed.proofs is None:
            return await self._swap(heard, None)
        return await self._approve(heard)

    async def _approve(self, heard: HeardDecision) -> Accepted | Refused:
        decision, factors = heard.signed, heard.factors
        device = decision.device
        try:
            attempt = await self._attempts.reserve(
                device.tag,
                operation=decision.operation,
                knowledge=Factor.PIN in factors,
                passkey=Factor.PASSKEY in factors,
                now=self._clock.now_ms(),
            )
        except LockedError:
            return _refused(heard.presented, RefusalReason.LOCKED)
        except PausedError as paused:
            return _paused(heard.presented, seconds_until(paused.until, self._clock.now_ms()))
        if not await self._factors.hold(heard, at=attempt.reserved_at // 1000):
            return await self._failed(heard, attempt)
        decided = Decided(
            device_id=device.device_id,
            operation=decision.operation,
            challenge_hash=decision.claims.challenge_hash,
            acr=heard.request.acr,
            amr=amr_of(factors),
            auth_time=self._clock.now_ms() // 1000,
        )
        answer = await self._swap(heard, decided)
        if isinstance(answer, Refused):
            # The factors were right and only the moment was wrong: nothing counts against the user.
            await self._attempts.succeeded(device.tag, operation=decision.operation)
        return answer

    async def _failed(self, heard: HeardDecision, attempt: Attempt) -> Refused:
        presented, device = heard.presented, heard.signed.device
        self._telemetry.security_event(
            WrongFactors(
                attempts_left=attempt.left,
                device_id=device.device_id,
                user=device.tag,
                transaction_id=presented.claims.transaction_id,
                client_id=heard.client_id,
            )
        )
        # Before the swap: a decision that comes again after it is not evaluated any more.
        await self._failures.note(device, attempt, operation=presented.operation)
        if attempt.left == 0:
            now = self._clock.now_ms()
            result = await self._transactions.swap(
                Swap(
                    transaction_id=presented.claims.transaction_id,
                    event=Event.LOCK,
                    operation=presented.operation,
                    now=now,
                    reason=FailureReason.FACTORS_LOCKED,
                    callback_delay=self._callback_delay,
                    evidence=heard.locked(at=now) if self._keeps_evidence else None,
                )
            )
            self._worker.nudge(presented.claims.transaction_id)
            self._call_back(presented, result)
            self._telemetry.security_event(
                FactorsLocked(
                    device_id=device.device_id,
                    user=device.tag,
                    transaction_id=presented.claims.transaction_id,
                    client_id=heard.client_id,
                )
            )
        return Refused(
            transaction_id=presented.claims.transaction_id,
            decision=presented.claims.jti,
            reason=RefusalReason.FACTORS,
            attempts_left=attempt.left,
        )

    async def _swap(self, heard: HeardDecision, decided: Decided | None) -> Accepted | Refused:
        presented, now = heard.presented, self._clock.now_ms()
        until = self._worker.lease(now)
        result = await self._transactions.swap(
            Swap(
                transaction_id=presented.claims.transaction_id,
                event=_EVENTS[presented.claims.verdict],
                operation=presented.operation,
                now=now,
                decided=decided,
                denial=presented.claims.reason if decided is None else None,
                callback_delay=self._callback_delay,
                evidence=self._evidence(heard, decided, now),
                sca_receipt=None if decided is None else heard.receipt(decided),
                settled_until=until,
            )
        )
        if not result.won:
            is_heeded = _is_late_report(presented, result.state)
            if is_heeded:
                await self._worker.block(_answered(heard, result))
            return _refused(presented, RefusalReason.NOT_OPEN, reported=is_heeded)
        self._worker.settle(_answered(heard, result), until)
        self._call_back(presented, result)
        self._telemetry.event(
            "transaction_decided",
            transaction_id=presented.claims.transaction_id,
            client_id=heard.client_id,
            verdict=presented.claims.verdict.value,
            age_seconds=now // 1000 - issued_at(heard.request.challenge),
        )
        return _accepted(presented)

    async def _again(self, presented: PresentedDecision) -> Accepted:
        """The outcome of a decision that was heard before, once the store will not forget it.

        It is looked for again after that, and never made to happen: what a failover has undone is
        pending, and only the whole way through its factors may decide it.

        Raises:
            StoreUnavailable: when it was undone; the same decision may come again.
        """
        name = presented.claims.transaction_id
        await self._transactions.confirm(name)
        found = await self._transactions.outline(name, now=self._clock.now_ms())
        if found is None or found.decision != presented.operation:
            raise StoreUnavailable("a failover has undone the decision")
        return _accepted(presented)

    def _evidence(self, heard: HeardDecision, decided: Decided | None, now: int) -> Evidence | None:
        if not self._keeps_evidence:
            return None
        return heard.denied(at=now) if decided is None else heard.approved(decided, at=now)

    def _call_back(self, presented: PresentedDecision, result: SwapResult) -> None:
        if result.calls_back:
            self._worker.nudge_after(presented.claims.transaction_id, self._callback_delay)


def _is_late_report(presented: PresentedDecision, state: State | None) -> bool:
    """Whether the user says "not me" of a prompt that ended before anybody answered it."""
    return presented.claims.reason is DenialReason.NOT_ME and state in _OVER_WITHOUT_USER


def _answered(heard: HeardDecision, result: SwapResult) -> Answered:
    claims = heard.presented.claims
    if result.state is None:
        raise AssertionError("what was decided is in some state")
    return Answered(
        transaction_id=claims.transaction_id,
        client_id=heard.client_id,
        user_tag=heard.signed.device.tag,
        state=result.state,
        decision=heard.presented.operation,
        denial=claims.reason,
    )


def _accepted(presented: PresentedDecision) -> Accepted:
    claims = presented.claims
    return Accepted(
        transaction_id=claims.transaction_id, decision=claims.jti, verdict=claims.verdict
    )


def _paused(presented: PresentedDecision, seconds: int) -> Refused:
    claims = presented.claims
    return Refused(
        transaction_id=claims.transaction_id,
        decision=claims.jti,
        reason=RefusalReason.PAUSED,
        retry_after=seconds,
    )


def _refused(
    presented: PresentedDecision, reason: RefusalReason, *, reported: bool = False
) -> Refused:
    claims = presented.claims
    return Refused(
        transaction_id=claims.transaction_id,
        decision=claims.jti,
        reason=reason,
        reported=reported,
    )
