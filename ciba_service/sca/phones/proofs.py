"""Objects a phone signs to be let in: its enrolment and the nonce of a session."""

from dataclasses import dataclass, field
from typing import Final

from joserfc.jwk import ECKey

from ciba_service.protocol.comparison import equal_secrets
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.keys import (
    InvalidKeyError,
    KeySet,
    VerificationKey,
    parse_verification_key,
)
from ciba_service.protocol.jose.verification import (
    CompactJws,
    InvalidJwsError,
    parse_jws,
    verify_jws,
)
from ciba_service.protocol.plain_text import NotPlainTextError, parse_plain_text
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.sca.messages import (
    ENROLMENT_TYP,
    SESSION_TYP,
    EnrolmentClaims,
    SessionClaims,
)
from ciba_service.sca.phones.devices import Device
from ciba_service.sca.signed_members import read_members

__all__ = [
    "InvalidProofError",
    "PresentedSession",
    "VerifiedEnrolment",
    "parse_session_proof",
    "verify_enrolment",
    "verify_session_proof",
]

MAXIMUM_TEXT_LENGTH: Final = 64
_ES256: Final = frozenset({SignatureAlgorithm.ES256})


class InvalidProofError(ValueError):
    """The object proves nothing; the text is for the log only."""

    def __init__(self, text: str, cause: Cause = Cause.MALFORMED) -> None:
        super().__init__(text)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class VerifiedEnrolment:
    """Claims signed by the very key that is to be enrolled, and the key for the answer."""

    claims: EnrolmentClaims = field(repr=False)
    key: VerificationKey
    jwk: dict[str, str]
    encryption_key: ECKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class PresentedSession:
    """A session proof as it came, not yet verified."""

    claims: SessionClaims
    jws: CompactJws = field(repr=False)


def verify_enrolment(text: str, *, issuer: str) -> VerifiedEnrolment:
    """Verify possession of the new phone's key; raises ``InvalidProofError``."""
    try:
        jws = parse_jws(text)
        key = parse_verification_key(jws.header.jwk)
        verify_jws(jws, keys=KeySet([key]), algorithms=_ES256)
        claims = read_members(jws.payload, EnrolmentClaims)
        encryption_key = _encryption_key(claims)
    except InvalidJwsError as error:
        raise InvalidProofError(str(error), error.cause) from error
    except (ValueError, RecursionError) as error:  # of key, JSON or UTF-8
        raise InvalidProofError(str(error)) from error
    if jws.header.typ != ENROLMENT_TYP or claims.aud != issuer:
        raise InvalidProofError("typ or aud is wrong", Cause.AUDIENCE)
    _verify_name(claims.name)
    return VerifiedEnrolment(
        claims=claims, key=key, jwk=_public_members(jws.header.jwk), encryption_key=encryption_key
    )


def parse_session_proof(text: str) -> PresentedSession:
    """Take a session proof apart; raises ``InvalidProofError``."""
    try:
        jws = parse_jws(text)
        return PresentedSession(read_members(jws.payload, SessionClaims), jws)
    except (ValueError, RecursionError) as error:  # of JWS, JSON or UTF-8
        raise InvalidProofError(str(error)) from error


def verify_session_proof(
    presented: PresentedSession, *, device: Device, issuer: str, body_hash: str | None
) -> None:
    """Verify signature and claims; the nonce and its single use are for the caller.

    Raises:
        InvalidProofError: when anything is wrong.
    """
    try:
        verify_jws(presented.jws, keys=KeySet([device.key]), algorithms=_ES256)
    except InvalidJwsError as error:
        raise InvalidProofError(str(error), error.cause) from error
    claims = presented.claims
    if presented.jws.header.typ != SESSION_TYP:
        raise InvalidProofError("typ is that of another object", Cause.CLAIMS)
    if claims.iss != device.device_id or claims.aud != issuer:
        raise InvalidProofError("iss or aud is wrong", Cause.AUDIENCE)
    if not equal_secrets(claims.body_hash or "", body_hash or ""):
        raise InvalidProofError("it is about another body", Cause.CLAIMS)


def _encryption_key(claims: EnrolmentClaims) -> ECKey:
    # Read as strictly as a signature key: P-256, public, on the curve.
    if parse_verification_key(claims.encryption_key).key_type != "EC":
        raise InvalidKeyError("the encryption key is not on P-256")
    return ECKey.import_key({**_public_members(claims.encryption_key)})


def _public_members(jwk: object) -> dict[str, str]:
    if not isinstance(jwk, dict):
        raise AssertionError("a key that was parsed is an object")  # noqa: TRY004
    return {name: str(jwk[name]) for name in ("kty", "crv", "x", "y")}


def _verify_name(name: str) -> None:
    # The user's other phones show it when they tell of a new one.
    if len(name) > MAXIMUM_TEXT_LENGTH:
        raise InvalidProofError("the name is too long")
    try:
        parse_plain_text(name)
    except NotPlainTextError as error:
        raise InvalidProofError("the name is not plain text") from error
