"""PIN and OTP: every factor is always evaluated, and only the whole is told (PSD2 RTS art. 4)."""

from dataclasses import dataclass
from typing import Final

import pyotp

from ciba_service.protocol.comparison import equal_secrets
from ciba_service.sca.devices import Device
from ciba_service.sca.messages import (
    DecisionClaims,
    Factor,
    FactorProofs,
    TotpParameters,
    pin_proof,
)

__all__ = ["NO_STEP", "FactorEvaluation", "evaluate_factors", "matching_totp_step"]

NO_STEP: Final = -1

# RFC 6238 5.2: one step back for the network and the user, one ahead for clocks.
_ACCEPTED_DRIFT: Final = (-1, 0, 1)


@dataclass(frozen=True, slots=True)
class FactorEvaluation:
    """What was found; ``totp_step`` must still be spent, once, before it counts.

    ``totp_step`` is ``NO_STEP`` when the code belongs to no step near by.
    """

    required: frozenset[Factor]
    pin_verified: bool
    totp_step: int

    def satisfied(self, *, step_was_fresh: bool) -> bool:
        """Whether every required factor holds; the device key held before this was made."""
        pin = self.pin_verified or Factor.PIN not in self.required
        totp = (self.totp_step != NO_STEP) & step_was_fresh
        return pin & (totp or Factor.OTP not in self.required)


def evaluate_factors(
    *,
    required: frozenset[Factor],
    proofs: FactorProofs,
    claims: DecisionClaims,
    device: Device,
    now: int,
) -> FactorEvaluation:
    """Evaluate PIN and OTP, both, whatever the first gave; ``now`` is in seconds."""
    expected = pin_proof(
        device.pin_key,
        device_id=device.device_id,
        challenge_hash=claims.challenge_hash,
        verdict=claims.verdict,
        jti=claims.jti,
    )
    return FactorEvaluation(
        required=required,
        pin_verified=equal_secrets(proofs.pin_proof or "", expected),
        totp_step=matching_totp_step(device.totp_secret, proofs.otp or "", now),
    )


def matching_totp_step(secret: str, code: str, now: int) -> int:
    """The time step ``code`` belongs to, within one step of ``now`` (seconds), or ``NO_STEP``.

    All steps are compared.
    """
    parameters = TotpParameters(secret)
    totp = pyotp.TOTP(secret, digits=parameters.digits, interval=parameters.period)
    found = NO_STEP
    for drift in _ACCEPTED_DRIFT:
        step = now // parameters.period + drift
        if equal_secrets(code, totp.generate_otp(step)):
            found = step
    return found
