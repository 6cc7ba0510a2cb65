"""Decisions: signed over the hash of the exact challenge, with the factors encrypted inside."""

from dataclasses import dataclass, replace

import msgspec

from authenticator_sim.core import jose
from authenticator_sim.core.deciding.challenges import VerifiedChallenge
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.core.identity.passkeys import PasskeyUse, takes_passkey, takes_pin
from authenticator_sim.core.identity.pin import PinKey
from authenticator_sim.errors import MissingFactor
from authenticator_sim.ports import RandomBytes
from ciba_service.sca.messages import (
    DECISION_TYP,
    FACTORS_TYP,
    Decide,
    DecisionClaims,
    DenialReason,
    Factor,
    FactorProofs,
    PasskeyAssertion,
    Verdict,
    decision_digest,
    passkey_challenge,
    pin_proof,
)

__all__ = ["SignedDecision", "new_approval", "new_denial"]

_JTI_BYTES = 16


@dataclass(frozen=True, slots=True)
class SignedDecision:
    """One signed decision; ``message`` is what goes out, and out again, to the byte.

    ``encrypted_to`` names the key of the service that its factors are for, if it has any.
    """

    challenge: VerifiedChallenge
    jti: str
    verdict: Verdict
    reason: DenialReason | None
    message: Decide
    encrypted_to: str | None = None


def new_approval(
    challenge: VerifiedChallenge,
    *,
    identity: DeviceIdentity,
    pin_key: PinKey | None,
    otp: str | None,
    verification_code: str | None,
    now_ms: int,
    random_bytes: RandomBytes,
    passkey: PasskeyUse | None = None,
) -> SignedDecision:
    """Sign an approval with exactly the factors the challenge asks for.

    A passkey that is given takes the place of the PIN wherever it may.

    Raises:
        MissingFactor: The PIN, the passkey or one of the codes is asked for and not given.
        MissingGesture: The user did nothing at the passkey.
    """
    jti = jose.base64url(random_bytes(_JTI_BYTES))
    claims = DecisionClaims(
        iss=identity.device_id,
        aud=identity.issuer,
        jti=jti,
        iat=now_ms // 1000,
        transaction_id=challenge.transaction_id,
        challenge_hash=challenge.digest,
        verdict=Verdict.APPROVE,
    )
    is_offered = passkey is not None
    proofs = FactorProofs(
        jti=jti,
        pin_proof=(
            _pin_proof(challenge, identity=identity, pin_key=pin_key, jti=jti)
            if takes_pin(challenge.content, offered=is_offered)
            else None
        ),
        passkey=(
            _passkey(passkey, claims)
            if takes_passkey(challenge.content, offered=is_offered)
            else None
        ),
        otp=_otp(challenge, otp),
        verification_code=_verification_code(challenge, verification_code),
    )
    recipient = identity.service_keys.encryption
    factors = jose.encrypt(msgspec.json.encode(proofs), to=recipient, typ=FACTORS_TYP)
    signed = _signed(msgspec.structs.replace(claims, factors=factors), challenge, identity)
    return replace(signed, encrypted_to=recipient.get("kid"))


def new_denial(
    challenge: VerifiedChallenge,
    *,
    identity: DeviceIdentity,
    reason: DenialReason,
    now_ms: int,
    random_bytes: RandomBytes,
) -> SignedDecision:
    """Sign a denial; it carries no factors."""
    claims = DecisionClaims(
        iss=identity.device_id,
        aud=identity.issuer,
        jti=jose.base64url(random_bytes(_JTI_BYTES)),
        iat=now_ms // 1000,
        transaction_id=challenge.transaction_id,
        challenge_hash=challenge.digest,
        verdict=Verdict.DENY,
        reason=reason,
    )
    return _signed(claims, challenge, identity)


def _pin_proof(
    challenge: VerifiedChallenge, *, identity: DeviceIdentity, pin_key: PinKey | None, jti: str
) -> str:
    if pin_key is None:
        raise MissingFactor("This challenge asks for the PIN.")
    return pin_proof(
        pin_key.key,
        device_id=identity.device_id,
        challenge_hash=challenge.digest,
        verdict=Verdict.APPROVE,
        jti=jti,
    )


def _passkey(passkey: PasskeyUse | None, claims: DecisionClaims) -> PasskeyAssertion:
    if passkey is None:
        raise MissingFactor("This challenge asks for a passkey.")
    return passkey.confirm(passkey_challenge(decision_digest(claims)))


def _otp(challenge: VerifiedChallenge, otp: str | None) -> str | None:
    if Factor.OTP not in challenge.content.factors:
        return None
    if otp is None:
        raise MissingFactor("This challenge asks for a one-time code.")
    return otp


def _verification_code(challenge: VerifiedChallenge, typed: str | None) -> str | None:
    if Factor.VERIFICATION_CODE not in challenge.content.factors:
        return None
    if typed is None:
        raise MissingFactor("This challenge asks for the code that the other device shows.")
    return typed


def _signed(
    claims: DecisionClaims, challenge: VerifiedChallenge, identity: DeviceIdentity
) -> SignedDecision:
    token = jose.sign(
        msgspec.json.encode(claims),
        key=identity.signing_key,
        typ=DECISION_TYP,
        kid=identity.device_id,
    )
    return SignedDecision(
        challenge=challenge,
        jti=claims.jti,
        verdict=claims.verdict,
        reason=claims.reason,
        message=Decide(decision=token),
    )
