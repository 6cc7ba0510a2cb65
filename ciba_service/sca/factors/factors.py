"""PIN, passkey and codes: all are always evaluated, and only the whole told (PSD2 RTS 4)."""

from dataclasses import dataclass
from typing import Final

import pyotp

from ciba_service.protocol.comparison import equal_secrets
from ciba_service.sca.factors.passkey_proofs import (
    InvalidPasskeyError,
    VerifiedPasskey,
    verify_passkey,
)
from ciba_service.sca.factors.passkeys import RelyingParty
from ciba_service.sca.factors.verification_code import DIGITS
from ciba_service.sca.messages import (
    DecisionClaims,
    Factor,
    FactorProofs,
    TotpParameters,
    decision_digest,
    passkey_challenge,
    pin_proof,
)
from ciba_service.sca.phones.devices import Device

__all__ = ["NO_STEP", "FactorEvaluation", "evaluate_factors", "matching_totp_step"]

NO_STEP: Final = -1

# RFC 6238 5.2: one step back for the network and the user, one ahead for clocks.
_ACCEPTED_DRIFT: Final = (-1, 0, 1)


@dataclass(frozen=True, slots=True)
class FactorEvaluation:
    """What was found; ``totp_step`` and the passkey's count must still be spent, each once.

    ``totp_step`` is ``NO_STEP`` when the code belongs to no step near by. ``passkey_defect`` is for
    the log only: what is wrong with the passkey.
    """

    required: frozenset[Factor]
    pin_verified: bool
    totp_step: int
    code_verified: bool
    passkey: VerifiedPasskey | None = None
    passkey_defect: str = ""

    def satisfied(self, *, step_was_fresh: bool, count_was_fresh: bool = False) -> bool:
        """Whether every required factor holds; the device key held before this was made."""
        pin = self.pin_verified or Factor.PIN not in self.required
        totp = (self.totp_step != NO_STEP) & step_was_fresh
        code = self.code_verified or Factor.VERIFICATION_CODE not in self.required
        passkey = (self.passkey is not None) & count_was_fresh
        return (
            pin
            & (totp or Factor.OTP not in self.required)
            & code
            & (passkey or Factor.PASSKEY not in self.required)
        )


def evaluate_factors(
    *,
    required: frozenset[Factor],
    proofs: FactorProofs,
    claims: DecisionClaims,
    device: Device,
    verification_code: str | None,
    now: int,
    party: RelyingParty | None = None,
) -> FactorEvaluation:
    """Evaluate all of them, whatever the first gave; ``now`` is in seconds.

    ``verification_code`` is what the client was told to show, if it was; without a ``party`` no
    passkey counts.
    """
    expected = pin_proof(
        device.pin_key,
        device_id=device.device_id,
        challenge_hash=claims.challenge_hash,
        verdict=claims.verdict,
        jti=claims.jti,
    )
    passkey, defect = _passkey(proofs, claims, device, party)
    return FactorEvaluation(
        required=required,
        pin_verified=equal_secrets(proofs.pin_proof or "", expected),
        totp_step=matching_totp_step(device.totp_secret, proofs.otp or "", now),
        code_verified=_is_code(proofs.verification_code, verification_code),
        passkey=passkey,
        passkey_defect=defect,
    )


def _passkey(
    proofs: FactorProofs, claims: DecisionClaims, device: Device, party: RelyingParty | None
) -> tuple[VerifiedPasskey | None, str]:
    try:
        verified = verify_passkey(
            proofs.passkey,
            challenge=passkey_challenge(decision_digest(claims)),
            held=device.passkeys,
            user_handle=device.tag,
            party=party,
        )
    except InvalidPasskeyError as error:
        return None, str(error)
    return verified, ""


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
