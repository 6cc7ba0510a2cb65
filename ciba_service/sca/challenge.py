"""The challenge: the final text a phone shows and the user signs (PSD2 RTS art. 5).

It is made once a transaction and is identical for all phones of the user. What a client wrote
freely (binding message, payee, remittance information) is plain text in a member of its own.
Whatever of a payment reaches a token is shown: the user approves nothing unseen.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.jose.signing import SigningKey
from ciba_service.protocol.request.authorization_details import PaymentInitiation
from ciba_service.sca.messages import (
    CHALLENGE_TYP,
    CHALLENGE_VERSION,
    Challenge,
    Display,
    Factor,
    Payment,
)

__all__ = ["ChallengeContent", "new_challenge"]

LOCALE: Final = "en"
_NONCE_BYTES: Final = 32
_GROUPS: Final = re.compile(".{1,4}")

_SHARES: Final = {
    "openid": "Your identity",
    "profile": "Your name and profile",
    "email": "Your e-mail address",
    "phone": "Your phone number",
    "address": "Your postal address",
}


@dataclass(frozen=True, slots=True)
class ChallengeContent:
    """What a challenge is about; ``issued_at`` and ``expires_at`` are in seconds."""

    issuer: str
    transaction_id: str
    client_name: str
    scope: tuple[str, ...]
    binding_message: str | None
    payments: tuple[PaymentInitiation, ...]
    factors: tuple[Factor, ...]
    issued_at: int
    expires_at: int


def new_challenge(
    content: ChallengeContent, *, key: SigningKey, token_bytes: Callable[[int], bytes]
) -> str:
    """The signed challenge as a compact JWS; its exact bytes are what a decision signs."""
    challenge = Challenge(
        v=CHALLENGE_VERSION,
        iss=content.issuer,
        transaction_id=content.transaction_id,
        nonce=base64url(token_bytes(_NONCE_BYTES)),
        iat=content.issued_at,
        exp=content.expires_at,
        locale=LOCALE,
        display=_display(content),
        factors=content.factors,
        scope=content.scope,
        payments=tuple(_payment(detail) for detail in content.payments),
    )
    return key.sign(typ=CHALLENGE_TYP, claims=challenge)


def _display(content: ChallengeContent) -> Display:
    display = Display(
        title="Confirm sign-in",
        client=content.client_name,
        shares=tuple(_SHARES.get(token, f"Access: {token}") for token in content.scope),
        binding_message=content.binding_message,
    )
    if not content.payments:
        return display
    (payment,) = content.payments
    return msgspec.structs.replace(
        display,
        title="Confirm payment",
        amount=f"{payment.instructed_amount.amount} {payment.instructed_amount.currency}",
        payee=payment.creditor_name,
        payee_account=_in_groups(_iban(payment)),
        remittance_information=payment.remittance_information_unstructured,
    )


def _iban(payment: PaymentInitiation) -> str | None:
    return None if payment.creditor_account is None else payment.creditor_account.iban


def _in_groups(iban: str | None) -> str | None:
    # ISO 13616: on paper, and for eyes, an IBAN stands in groups of four.
    return None if iban is None else " ".join(_GROUPS.findall(iban))


def _payment(detail: PaymentInitiation) -> Payment:
    return Payment(
        amount=detail.instructed_amount.amount,
        currency=detail.instructed_amount.currency,
        creditor_name=detail.creditor_name,
        creditor_iban=_iban(detail),
        remittance_information=detail.remittance_information_unstructured,
    )
