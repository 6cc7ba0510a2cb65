"""The challenge: the final text a phone shows and the user signs (PSD2 RTS art. 5).

It is made once a transaction, in the language of its user, and is identical for all phones. What a
client wrote freely (binding message, payee, remittance information) is plain text in a member of
its own. Whatever of a payment or another detail reaches a token is shown: the user approves nothing
unseen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.jose.verification import parse_jws
from ciba_service.protocol.locale import Locale
from ciba_service.protocol.request.authorization_details import (
    AuthorizationDetails,
    PaymentInitiation,
    in_groups,
)
from ciba_service.sca.messages import (
    CHALLENGE_VERSION,
    Challenge,
    Display,
    Factor,
    Payment,
    amount_text,
)
from ciba_service.sca.wording import WORDS, shared_texts, shown_detail

__all__ = [
    "ChallengeContent",
    "issued_at",
    "new_challenge",
    "shown_client",
    "shows_lasting_access",
]

_NONCE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class ChallengeContent:
    """What a challenge is about; ``issued_at`` and ``expires_at`` are in seconds.

    ``lasts``: the client gets a refresh token. ``locale`` is the user's language.
    ``passkey_for_pin``: a passkey may take its place. ``logo`` is the name of the client's logo.
    """

    issuer: str
    transaction_id: str
    client_name: str
    scope: tuple[str, ...]
    binding_message: str | None
    details: AuthorizationDetails
    factors: tuple[Factor, ...]
    issued_at: int
    expires_at: int
    locale: Locale
    lasts: bool = False
    passkey_for_pin: bool = False
    logo: str | None = None


def new_challenge(content: ChallengeContent, *, token_bytes: Callable[[int], bytes]) -> Challenge:
    """The challenge as it is to be signed; its exact bytes as a JWS are what a decision signs."""
    return Challenge(
        v=CHALLENGE_VERSION,
        iss=content.issuer,
        transaction_id=content.transaction_id,
        nonce=base64url(token_bytes(_NONCE_BYTES)),
        iat=content.issued_at,
        exp=content.expires_at,
        locale=content.locale,
        display=_display(content),
        factors=content.factors,
        passkey_for_pin=content.passkey_for_pin,
        scope=content.scope,
        payments=_payments(content.details),
        authorization_details=tuple(
            msgspec.json.decode(each.detail.json) for each in content.details.displayed
        ),
    )


class _Issued(msgspec.Struct):
    iat: int


def issued_at(challenge: str) -> int:
    """When a challenge was made that the service signed itself, in seconds since the epoch."""
    return msgspec.json.decode(parse_jws(challenge).payload, type=_Issued).iat


class _ShownDisplay(msgspec.Struct):
    client: str
    shares: tuple[str, ...]


class _Shown(msgspec.Struct):
    display: _ShownDisplay


def shown_client(challenge: str) -> str:
    """The name under which the client asked, in a challenge that the service signed itself."""
    return _shown(challenge).display.client


def shows_lasting_access(challenge: str) -> bool:
    """Whether a challenge that the service signed itself told the user that access lasts."""
    shares = _shown(challenge).display.shares
    return any(words.lasting in shares for words in WORDS.values())


def _shown(challenge: str) -> _Shown:
    return msgspec.json.decode(parse_jws(challenge).payload, type=_Shown)


def _display(content: ChallengeContent) -> Display:
    details, payment = content.details, content.details.payment
    words = WORDS[content.locale]
    display = Display(
        title=words.access if details.displayed else words.sign_in,
        client=content.client_name,
        shares=_shares(content),
        binding_message=content.binding_message,
        details=tuple(shown_detail(each, content.locale) for each in details.displayed),
        logo=content.logo,
    )
    if payment is None:
        return display
    iban = _iban(payment)
    return msgspec.structs.replace(
        display,
        title=words.payment,
        amount=amount_text(
            payment.instructed_amount.amount, payment.instructed_amount.currency, content.locale
        ),
        payee=payment.creditor_name,
        payee_account=None if iban is None else in_groups(iban),
        remittance_information=payment.remittance_information_unstructured,
    )


def _shares(content: ChallengeContent) -> tuple[str, ...]:
    shares = shared_texts(content.scope, content.locale)
    return (*shares, WORDS[content.locale].lasting) if content.lasts else shares


def _payments(details: AuthorizationDetails) -> tuple[Payment, ...]:
    payment = details.payment
    if payment is None:
        return ()
    return (
        Payment(
            amount=payment.instructed_amount.amount,
            currency=payment.instructed_amount.currency,
            creditor_name=payment.creditor_name,
            creditor_iban=_iban(payment),
            remittance_information=payment.remittance_information_unstructured,
        ),
    )


def _iban(payment: PaymentInitiation) -> str | None:
    return None if payment.creditor_account is None else payment.creditor_account.iban
