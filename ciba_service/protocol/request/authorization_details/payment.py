"""``payment_initiation``: one payment, read strictly, since its amount and payee are signed.

Every member but the type, which is the title of what is shown, has a text of its own on the phone
(``sca.challenge``); a new one needs one, too.
"""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from ciba_service.protocol.errors import InvalidAuthorizationDetailsError, Reason
from ciba_service.protocol.plain_text import NotPlainTextError, parse_plain_text
from ciba_service.protocol.request.authorization_details.iban import is_iban
from ciba_service.protocol.request.authorization_details.minor_units import decimals_of

__all__ = [
    "PAYMENT_INITIATION",
    "AccountReference",
    "InstructedAmount",
    "PaymentInitiation",
    "parse_payment",
]

PAYMENT_INITIATION: Final = "payment_initiation"

_Amount = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,3})?\Z")]
_Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=70)]
_Remittance = Annotated[str, msgspec.Meta(min_length=1, max_length=140)]


class InstructedAmount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount as a decimal string and its ISO 4217 currency."""

    currency: _Currency
    amount: _Amount


class AccountReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account by its IBAN (ISO 13616)."""

    iban: str


class PaymentInitiation(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename="camel",
    tag=PAYMENT_INITIATION,
    tag_field="type",
):
    """One payment, in the member names of RFC 9396 section 2."""

    instructed_amount: InstructedAmount
    creditor_name: _Name
    creditor_account: AccountReference | None = None
    remittance_information_unstructured: _Remittance | None = None


def parse_payment(members: Mapping[str, object]) -> PaymentInitiation:
    """Read an object of this type.

    Raises:
        InvalidAuthorizationDetailsError: when a member is missing, unknown or has an odd value.
    """
    try:
        payment = msgspec.convert(members, PaymentInitiation)
    except msgspec.ValidationError as error:
        raise InvalidAuthorizationDetailsError from Reason(str(error))
    _demand_amount(payment.instructed_amount)
    _demand_plain_text(payment)
    account = payment.creditor_account
    if account is not None and not is_iban(account.iban):
        raise InvalidAuthorizationDetailsError from Reason("the IBAN is not valid")
    return payment


def _demand_amount(amount: InstructedAmount) -> None:
    if not amount.amount.strip("0."):
        raise InvalidAuthorizationDetailsError from Reason("the amount is zero")
    # Three decimals read as thousands in another language.
    if len(amount.amount.partition(".")[2]) > decimals_of(amount.currency):
        raise InvalidAuthorizationDetailsError from Reason(
            "the amount has more decimals than its currency"
        )


def _demand_plain_text(payment: PaymentInitiation) -> None:
    try:
        parse_plain_text(payment.creditor_name)
        if payment.remittance_information_unstructured is not None:
            parse_plain_text(payment.remittance_information_unstructured)
    except NotPlainTextError as error:
        raise InvalidAuthorizationDetailsError from Reason(str(error))
