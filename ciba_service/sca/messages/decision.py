"""What a phone signs about a challenge, the proofs inside, and what they are made over."""

import hashlib
import hmac
from enum import StrEnum
from typing import Final

import msgspec

from ciba_service.sca.messages.passkeys import PasskeyAssertion
from ciba_service.sca.messages.wire import base64url

__all__ = [
    "DECISION_TYP",
    "FACTORS_TYP",
    "DecisionClaims",
    "DenialReason",
    "FactorProofs",
    "RefusalReason",
    "Verdict",
    "decision_digest",
    "pin_proof",
]


DECISION_TYP: Final = "ciba-decision+jwt"
FACTORS_TYP: Final = "ciba-factors+jwe"


class Verdict(StrEnum):
    """What the user decided."""

    APPROVE = "approve"
    DENY = "deny"


class DenialReason(StrEnum):
    """Why the user declined."""

    DECLINED = "declined"
    NOT_ME = "not_me"


class RefusalReason(StrEnum):
    """Why a decision did not count; never which element was wrong (PSD2 RTS art. 4(3)(b))."""

    FACTORS = "factors"
    LOCKED = "locked"
    PAUSED = "paused"
    NOT_OPEN = "not_open"
    INVALID_DECISION = "invalid_decision"
    UNAVAILABLE = "unavailable"


class FactorProofs(msgspec.Struct, frozen=True, omit_defaults=True):
    """Plaintext of the factors JWE; ``jti`` repeats the decision's, so that it cannot be moved."""

    jti: str
    pin_proof: str | None = None
    passkey: PasskeyAssertion | None = None
    otp: str | None = None
    verification_code: str | None = None

    def __repr__(self) -> str:
        return "FactorProofs(...)"


class DecisionClaims(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the decision JWS; ``iss`` is the device id, ``iat`` is recorded only."""

    iss: str
    aud: str
    jti: str
    iat: int
    transaction_id: str
    challenge_hash: str
    verdict: Verdict
    reason: DenialReason | None = None
    factors: str | None = None


def pin_proof(
    pin_key: bytes, *, device_id: str, challenge_hash: str, verdict: Verdict, jti: str
) -> str:
    """Proof that the PIN was entered for exactly this decision: HMAC-SHA-256 under the PIN key."""
    message = f"ciba-pin.v1\0{device_id}\0{challenge_hash}\0{verdict}\0{jti}"
    return base64url(hmac.digest(pin_key, message.encode("ascii"), "sha256"))


def decision_digest(claims: DecisionClaims) -> str:
    """Hash of all that an approval says but its factors: what its passkey confirms."""
    message = (
        f"ciba-decision.v1\0{claims.iss}\0{claims.aud}\0{claims.jti}\0{claims.iat}"
        f"\0{claims.transaction_id}\0{claims.challenge_hash}\0{claims.verdict}"
    )
    return base64url(hashlib.sha256(message.encode()).digest())
