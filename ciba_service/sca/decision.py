"""A phone's decision: a JWS over the hash of exactly the challenge it was shown (PSD2 RTS art. 5).

Whatever is wrong with it, nothing was evaluated and no attempt is counted: only a decision whose
signature and challenge verify reaches the factors.
"""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

from ciba_service.protocol.comparison import equal_secrets
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.jose.encryption import DecryptionKey
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.jose.verification import (
    CompactJws,
    InvalidJwsError,
    parse_jws,
    verify_jws,
)
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.transaction.identifiers import is_transaction_id
from ciba_service.sca.messages import (
    DECISION_TYP,
    FACTORS_TYP,
    DecisionClaims,
    FactorProofs,
    Verdict,
    challenge_hash,
)
from ciba_service.sca.phones.devices import Device
from ciba_service.sca.signed_members import read_members

__all__ = [
    "InvalidDecisionError",
    "PresentedDecision",
    "SignedDecision",
    "parse_decision",
    "verify_decision",
]

_JTI: Final = re.compile(r"[ -~]{1,128}", re.ASCII)
_ES256: Final = frozenset({SignatureAlgorithm.ES256})


class InvalidDecisionError(ValueError):
    """The decision proves nothing; the text is for the log only."""

    def __init__(self, text: str, cause: Cause = Cause.MALFORMED) -> None:
        super().__init__(text)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class PresentedDecision:
    """A decision as it came, not yet verified.

    ``operation`` is the hash of the exact bytes: a resent decision is the same operation and gets
    the first outcome, while another proof under an old ``jti`` is a new one and is counted.
    """

    claims: DecisionClaims
    operation: str
    jws: CompactJws = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedDecision:
    """Proof that ``device`` decided on exactly the stored challenge."""

    device: Device
    claims: DecisionClaims
    operation: str
    proofs: FactorProofs | None = field(repr=False)


def parse_decision(text: str) -> PresentedDecision:
    """Take a decision JWS apart; raises ``InvalidDecisionError``."""
    try:
        jws = parse_jws(text)
        claims = read_members(jws.payload, DecisionClaims)
    except (ValueError, RecursionError) as error:  # of JWS, JSON or UTF-8
        raise InvalidDecisionError(f"malformed: {error}") from error
    if not is_transaction_id(claims.transaction_id):
        raise InvalidDecisionError("transaction_id has another shape")
    if not _JTI.fullmatch(claims.jti):
        raise InvalidDecisionError("jti is not 1 to 128 printable ASCII characters")
    operation = base64url(hashlib.sha256(text.encode("ascii")).digest())
    return PresentedDecision(claims=claims, operation=operation, jws=jws)


def verify_decision(
    presented: PresentedDecision,
    *,
    device: Device,
    issuer: str,
    challenge: str,
    encryption_key: DecryptionKey,
) -> SignedDecision:
    """Verify that ``device`` signed this decision over ``challenge``, and open its factors.

    Raises:
        InvalidDecisionError: when signature, type, audience, hash, verdict or encryption is wrong.
    """
    if presented.jws.header.typ != DECISION_TYP:
        raise InvalidDecisionError("typ is that of another object", Cause.CLAIMS)
    try:
        verify_jws(presented.jws, keys=KeySet([device.key]), algorithms=_ES256)
    except InvalidJwsError as error:
        raise InvalidDecisionError(str(error), error.cause) from error
    claims = presented.claims
    if claims.iss != device.device_id or claims.aud != issuer:
        raise InvalidDecisionError("iss or aud is wrong", Cause.AUDIENCE)
    if not equal_secrets(claims.challenge_hash, challenge_hash(challenge)):
        raise InvalidDecisionError("it is about another challenge", Cause.CHALLENGE)
    return SignedDecision(
        device=device,
        claims=claims,
        operation=presented.operation,
        proofs=_proofs(claims, encryption_key),
    )


def _proofs(claims: DecisionClaims, encryption_key: DecryptionKey) -> FactorProofs | None:
    if claims.verdict is Verdict.DENY:
        if claims.factors is not None or claims.reason is None:
            raise InvalidDecisionError("a denial needs a reason and carries no factors")
        return None
    if claims.factors is None or claims.reason is not None:
        raise InvalidDecisionError("an approval needs factors and no reason")
    try:
        plaintext = encryption_key.open(claims.factors, FACTORS_TYP)
        proofs = read_members(plaintext, FactorProofs)
    except (ValueError, RecursionError) as error:  # of JWE, JSON or UTF-8
        raise InvalidDecisionError(f"factors: {error}", Cause.ENCRYPTION) from error
    if proofs.jti != claims.jti:
        raise InvalidDecisionError("the factors belong to another decision", Cause.CLAIMS)
    return proofs
