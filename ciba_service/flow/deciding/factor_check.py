"""Whether the factors of an approval hold: all evaluated, and what may count once spent."""

from ciba_service.flow.deciding.heard_decision import HeardDecision
from ciba_service.flow.together import together
from ciba_service.ports import AttemptStore, Telemetry
from ciba_service.protocol.security_events.kinds import PasskeyCountWentBack
from ciba_service.sca.decision import SignedDecision
from ciba_service.sca.factors.factors import FactorEvaluation, evaluate_factors
from ciba_service.sca.factors.passkeys import RelyingParty
from ciba_service.sca.messages import FactorProofs

__all__ = ["FactorCheck"]


class FactorCheck:
    """One round trip, which spends the one-time code and the sign count of a passkey."""

    def __init__(
        self, *, attempts: AttemptStore, party: RelyingParty | None, telemetry: Telemetry
    ) -> None:
        self._attempts = attempts
        self._party = party
        self._telemetry = telemetry

    async def hold(self, heard: HeardDecision, *, at: int) -> bool:
        """Whether all that is asked for was shown; ``at`` is in seconds.

        Raises:
            StoreUnavailable: when the store cannot be reached; the same decision may come again.
        """
        decision = heard.signed
        if decision.proofs is None:
            raise AssertionError("only an approval carries factors")
        evaluation = evaluate_factors(
            required=frozenset(heard.factors),
            proofs=decision.proofs,
            claims=decision.claims,
            device=decision.device,
            verification_code=heard.request.verification_code,
            now=at,
            party=self._party,
        )
        # What was shown is spent, even if the PIN beside it was wrong; and a wrong code or passkey
        # takes the same round trip as a right one.
        step_was_fresh, count_was_fresh = await together(
            self._spend_step(decision, decision.proofs, evaluation),
            self._spend_count(decision, decision.proofs, evaluation),
        )
        if decision.proofs.passkey is not None and not count_was_fresh:
            self._tell(heard, evaluation)
        return evaluation.satisfied(step_was_fresh=step_was_fresh, count_was_fresh=count_was_fresh)

    async def _spend_step(
        self, decision: SignedDecision, proofs: FactorProofs, evaluation: FactorEvaluation
    ) -> bool:
        return proofs.otp is not None and await self._attempts.spend_step(
            decision.device.device_id, evaluation.totp_step, operation=decision.operation
        )

    async def _spend_count(
        self, decision: SignedDecision, proofs: FactorProofs, evaluation: FactorEvaluation
    ) -> bool:
        return proofs.passkey is not None and await self._attempts.spend_count(
            decision.device.device_id, evaluation.passkey, operation=decision.operation
        )

    def _tell(self, heard: HeardDecision, evaluation: FactorEvaluation) -> None:
        device, transaction_id = heard.signed.device, heard.signed.claims.transaction_id
        if evaluation.passkey is None:
            self._telemetry.event(
                "passkey_not_verified",
                transaction_id=transaction_id,
                detail=evaluation.passkey_defect,
            )
            return
        self._telemetry.security_event(
            PasskeyCountWentBack(
                device_id=device.device_id,
                user=device.tag,
                transaction_id=transaction_id,
                client_id=heard.client_id,
            )
        )
