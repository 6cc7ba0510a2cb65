"""PIN, OTP and code: every factor is always evaluated, and only the whole told (PSD2 RTS 4)."""

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
from ciba_service.sca.verification_code import DIGITS

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
    code_verified: bool

    def satisfied(self, *, step_was_fresh: bool) -> bool:
        """Whether every required factor holds; the device key held before this was made."""
        pin = self.pin_verified or Factor.PIN not in self.required
        totp = (self.totp_step != NO_STEP) & step_was_fresh
        code = self.code_verified or Factor.VERIFICATION_CODE not in self.required
        return pin & (totp or Factor.OTP not in self.required) & code


def evaluate_factors(
    *,
    required: frozenset[Factor],
    proofs: FactorProofs,
    claims: DecisionClaims,
    device: Device,
    verification_code: str | None,
    now: int,
) -> FactorEvaluation:
    """Evaluate all of them, whatever the first gave; ``now`` is in seconds.

    ``verification_code`` is what the client was told to show, if it was.
    """
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
        code_verified=_is_code(proofs.verification_code, verification_code),
    )


def _is_code(typed: str | None, shown: str | None) -> bool:
    # An absent code matches nothing, not even another absent one.
    matches = equal_secrets(typed or "", shown or "-" * DIGITS)
    return matches and shown is not None


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
