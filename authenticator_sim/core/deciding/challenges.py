"""Which challenges a phone believes: signed by a pinned key, for this service, still valid.

Holding a ``VerifiedChallenge`` proves that (PSD2 RTS art. 5).
"""

from dataclasses import dataclass
from enum import StrEnum

from authenticator_sim.core import jose
from authenticator_sim.core.deciding.details import are_shown
from authenticator_sim.core.decoding import MalformedJson, decode_json
from authenticator_sim.core.identity.identity import DeviceIdentity
from ciba_service.sca.messages import (
    CHALLENGE_TYP,
    CHALLENGE_VERSION,
    Challenge,
    Display,
    Payment,
    amount_text,
    challenge_hash,
)

__all__ = ["ChallengeRefusal", "ChallengeRefused", "VerifiedChallenge", "verify_challenge"]


class ChallengeRefusal(StrEnum):
    """Why a challenge is not shown."""

    NOT_AUTHENTIC = "not_authentic"
    MALFORMED = "malformed"
    UNKNOWN_VERSION = "unknown_version"
    ANOTHER_ISSUER = "another_issuer"
    EXPIRED = "expired"
    PAYMENT_NOT_SHOWN = "payment_not_shown"
    DETAILS_NOT_SHOWN = "details_not_shown"
    REPLACED = "replaced"


class ChallengeRefused(Exception):
    """The phone does not show this challenge."""

    def __init__(self, reason: ChallengeRefusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class VerifiedChallenge:
    """A challenge that may be shown; ``digest`` is what a decision signs."""

    content: Challenge
    digest: str

    @property
    def transaction_id(self) -> str:
        """Name of the transaction."""
        return self.content.transaction_id

    def is_open(self, now_ms: int) -> bool:
        """Whether ``exp`` is still to come at ``now_ms`` (milliseconds)."""
        return now_ms < self.content.exp * 1000

    def seconds_left(self, now_ms: int) -> int:
        """Whole seconds until ``exp``, never negative."""
        return max(0, (self.content.exp * 1000 - now_ms) // 1000)


def verify_challenge(token: str, *, identity: DeviceIdentity, now_ms: int) -> VerifiedChallenge:
    """Verify a challenge JWS against the pinned keys; raises ``ChallengeRefused``."""
    try:
        payload = jose.verify(token, keys=identity.service_keys.challenge, typ=CHALLENGE_TYP)
    except jose.JoseRefused as error:
        raise ChallengeRefused(ChallengeRefusal.NOT_AUTHENTIC) from error
    try:
        content = decode_json(payload, Challenge)
    except MalformedJson as error:
        raise ChallengeRefused(ChallengeRefusal.MALFORMED) from error
    refusal = _refusal(content, issuer=identity.issuer)
    if refusal is not None:
        raise ChallengeRefused(refusal)
    challenge = VerifiedChallenge(content=content, digest=challenge_hash(token))
    if not challenge.is_open(now_ms):
        raise ChallengeRefused(ChallengeRefusal.EXPIRED)
    return challenge


def _refusal(content: Challenge, *, issuer: str) -> ChallengeRefusal | None:
    if content.v != CHALLENGE_VERSION:
        return ChallengeRefusal.UNKNOWN_VERSION
    if content.iss != issuer:
        return ChallengeRefusal.ANOTHER_ISSUER
    if not _is_shown(content):
        return ChallengeRefusal.PAYMENT_NOT_SHOWN
    if not are_shown(content.authorization_details, content.display.details):
        return ChallengeRefusal.DETAILS_NOT_SHOWN
    return None


def _is_shown(content: Challenge) -> bool:
    # PSD2 RTS art. 5(1)(a): no payment is approved that was not displayed, whole and as it is;
    # there is room for one.
    display = content.display
    if not content.payments:
        return not _shows_payment(display)
    if len(content.payments) != 1 or not display.payee:
        return False
    (payment,) = content.payments
    try:
        amount = amount_text(payment.amount, payment.currency, content.locale)
    except (KeyError, ValueError):  # an unknown language, or what is no amount
        return False
    shown = Payment(
        amount=payment.amount,
        currency=payment.currency,
        creditor_name=display.payee,
        creditor_iban=display.payee_account and display.payee_account.replace(" ", ""),
        remittance_information=display.remittance_information,
    )
    return (payment, amount) == (shown, display.amount)


def _shows_payment(display: Display) -> bool:
    about = (
        display.amount,
        display.payee,
        display.payee_account,
        display.remittance_information,
    )
    return any(each is not None for each in about)
