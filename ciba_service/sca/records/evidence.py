"""Evidence of a decision: what was asked and signed, on which phone, and what was verified of it.

The facts say nothing about a person but a keyed tag that is put to them when they are stored. The
statement is personal and is kept under a key of its own, so that it can be erased. No proof is in
it: the factors of an approval stay in the JWE that the phone made.
"""

from enum import StrEnum
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from ciba_service.protocol.comparison import equal_secrets
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.jose.keys import (
    KeySet,
    VerificationKey,
    parse_verification_key,
)
from ciba_service.protocol.jose.signing import compact_jws
from ciba_service.protocol.jose.verification import InvalidJwsError, parse_jws, verify_jws
from ciba_service.sca.decision import PresentedDecision
from ciba_service.sca.messages import (
    CHALLENGE_TYP,
    DECISION_TYP,
    DecisionClaims,
    Factor,
    Verdict,
    challenge_hash,
)
from ciba_service.sca.phones.devices import Device
from ciba_service.sca.signed_members import read_members

__all__ = [
    "Evidence",
    "EvidenceFacts",
    "Outcome",
    "Proven",
    "Statement",
    "new_evidence",
    "verify_statement",
]

_ES256: Final = frozenset({SignatureAlgorithm.ES256})


class Outcome(StrEnum):
    """What a decision came to."""

    APPROVED = "approved"
    DENIED = "denied"
    LOCKED = "locked"
    """An approval whose factors were wrong for the last time that is allowed."""


class EvidenceFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is not personal; ``at`` is in milliseconds, ``auth_time`` in seconds.

    ``verified`` has what was found right, and is the signature alone where no factor was asked for
    or they were not all right; ``acr``, ``amr`` and ``auth_time`` are there for an approval.
    """

    transaction_id: str
    client_id: str
    outcome: Outcome
    at: int
    verified: tuple[Factor, ...]
    reason: str | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()
    auth_time: int | None = None


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What is personal: the JWS of the service and of the phone, to the letter, and whose they are.

    ``device_key`` is the public key of the phone as a JWK.
    """

    subject: str
    device_id: str
    device_key: dict[str, str]
    challenge: str
    decision: str

    def __repr__(self) -> str:
        return "Statement(...)"


class Evidence(msgspec.Struct, frozen=True):
    """One record as it is built."""

    facts: EvidenceFacts
    statement: Statement


class Proven(msgspec.Struct, frozen=True):
    """What a statement still proves by itself; ``by_service`` is None where no key is known."""

    by_phone: bool
    by_service: bool | None
    linked: bool


def new_evidence(
    facts: EvidenceFacts, presented: PresentedDecision, *, device: Device, challenge: str
) -> Evidence:
    """Put facts and statement together."""
    jws = presented.jws
    statement = Statement(
        subject=device.subject,
        device_id=device.device_id,
        device_key=_jwk(device.key),
        challenge=challenge,
        decision=compact_jws(jws.signing_input, jws.signature),
    )
    return Evidence(facts, statement)


def verify_statement(
    facts: EvidenceFacts, statement: Statement, *, challenge_keys: KeySet
) -> Proven:
    """Verify again what both sides signed, and that the phone's decision is about this challenge.

    ``linked`` also says that verdict and transaction are those of the facts.
    """
    try:
        decision = parse_jws(statement.decision)
        claims = read_members(decision.payload, DecisionClaims)
        # As the phone was found: its key is named by the device id.
        key = parse_verification_key({**statement.device_key, "kid": statement.device_id})
        verify_jws(decision, keys=KeySet([key]), algorithms=_ES256)
    except (ValueError, RecursionError):  # of JWS, JSON, UTF-8 or key
        return Proven(by_phone=False, by_service=None, linked=False)
    verdict = Verdict.DENY if facts.outcome is Outcome.DENIED else Verdict.APPROVE
    linked = (
        equal_secrets(claims.challenge_hash, challenge_hash(statement.challenge))
        and claims.verdict is verdict
        and claims.transaction_id == facts.transaction_id
        and claims.iss == statement.device_id
    )
    return Proven(
        by_phone=decision.header.typ == DECISION_TYP,
        by_service=_is_ours(statement.challenge, challenge_keys),
        linked=linked,
    )


def _is_ours(challenge: str, keys: KeySet) -> bool | None:
    try:
        jws = parse_jws(challenge)
        if jws.header.typ != CHALLENGE_TYP:
            return False
        if not keys.candidates(kid=jws.header.kid, alg=SignatureAlgorithm.ES256):
            return None
        verify_jws(jws, keys=keys, algorithms=_ES256)
    except InvalidJwsError:
        return False
    return True


def _jwk(key: VerificationKey) -> dict[str, str]:
    if not isinstance(key.key, EllipticCurvePublicKey):
        raise AssertionError("a phone's key is on P-256")  # noqa: TRY004 - enrolment let in no other
    numbers = key.key.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": base64url(numbers.x.to_bytes(32, "big")),
        "y": base64url(numbers.y.to_bytes(32, "big")),
    }
