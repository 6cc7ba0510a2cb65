"""A decision that was verified, with what it is about: what evidence is made of."""

from dataclasses import dataclass
from typing import Final

from ciba_service.ports import Decided, StoredRequest
from ciba_service.sca.decision import PresentedDecision, SignedDecision
from ciba_service.sca.factors.policy import chosen_factors
from ciba_service.sca.messages import Factor
from ciba_service.sca.records.evidence import Evidence, EvidenceFacts, Outcome, new_evidence
from ciba_service.sca.records.sca_receipt import ScaReceipt, ShownApproval, sca_receipt

__all__ = ["HeardDecision"]

_SIGNATURE: Final = (Factor.DEVICE_KEY,)


@dataclass(frozen=True, slots=True)
class HeardDecision:
    """Signed by an enrolled phone over the challenge of ``request``, which ``client_id`` made."""

    presented: PresentedDecision
    signed: SignedDecision
    request: StoredRequest
    client_id: str

    @property
    def factors(self) -> tuple[Factor, ...]:
        """What the phone must prove, by its own choice where it has one."""
        proofs = self.signed.proofs
        return chosen_factors(
            self.request.factors,
            passkey_for_pin=self.request.passkey_for_pin,
            has_passkey=proofs is not None and proofs.passkey is not None,
        )

    def receipt(self, decided: Decided) -> ScaReceipt:
        """What its client may have in hand of it."""
        return sca_receipt(
            ShownApproval(
                client_id=self.client_id,
                subject=self.request.sub,
                device_id=decided.device_id,
                challenge=self.request.challenge,
                # A decision's operation is the hash of its exact bytes.
                decision_hash=decided.operation,
                acr=decided.acr,
                amr=decided.amr,
                auth_time=decided.auth_time,
            )
        )

    def approved(self, decided: Decided, *, at: int) -> Evidence:
        """Evidence that all factors were right; ``at`` is in milliseconds."""
        return self._evidence(
            Outcome.APPROVED,
            at=at,
            verified=self.factors,
            acr=decided.acr,
            amr=decided.amr,
            auth_time=decided.auth_time,
        )

    def denied(self, *, at: int) -> Evidence:
        """Evidence of a denial, which needs no factor but the phone."""
        return self._evidence(
            Outcome.DENIED, at=at, verified=_SIGNATURE, reason=self.signed.claims.reason
        )

    def locked(self, *, at: int) -> Evidence:
        """Evidence of the approval whose wrong factors locked the user's factors."""
        return self._evidence(Outcome.LOCKED, at=at, verified=_SIGNATURE)

    def _evidence(
        self,
        outcome: Outcome,
        *,
        at: int,
        verified: tuple[Factor, ...],
        reason: str | None = None,
        acr: str | None = None,
        amr: tuple[str, ...] = (),
        auth_time: int | None = None,
    ) -> Evidence:
        facts = EvidenceFacts(
            transaction_id=self.signed.claims.transaction_id,
            client_id=self.client_id,
            outcome=outcome,
            at=at,
            verified=verified,
            reason=reason,
            acr=acr,
            amr=amr,
            auth_time=auth_time,
        )
        return new_evidence(
            facts, self.presented, device=self.signed.device, challenge=self.request.challenge
        )
