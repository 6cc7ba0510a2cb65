"""``authorization_details`` (RFC 9396) of the type ``payment_initiation``: amount and payee.

A detail is read strictly: unknown members, other types and odd values are refused, so that what
the phone shows and signs is all there is. Every member but the type, which is the title of what
is shown, has a text of its own on the phone (``sca.challenge``); a new one needs one, too.
"""

import re
from typing import Annotated, Final

import msgspec

from ciba_service.protocol.errors import InvalidAuthorizationDetailsError, Reason
from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json
from ciba_service.protocol.plain_text import NotPlainTextError, parse_plain_text

__all__ = [
    "PAYMENT_INITIATION",
    "AccountReference",
    "InstructedAmount",
    "PaymentInitiation",
    "parse_authorization_details",
]

PAYMENT_INITIATION: Final = "payment_initiation"
MAXIMUM_DETAILS: Final = 1
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)

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


def parse_authorization_details(
    value: object, allowed_types: frozenset[str]
) -> tuple[PaymentInitiation, ...]:
    """Read the parameter, JSON text in a form or an array in a request object.

    Raises:
        InvalidAuthorizationDetailsError: when it is malformed, of a type that is unknown or not
            allowed for the client, or holds more than one payment.
    """
    if value is None:
        return ()
    try:
        members = parse_json(value.encode("utf-8")) if isinstance(value, str) else value
        details = msgspec.convert(_typed(members), tuple[PaymentInitiation, ...])
    except (msgspec.ValidationError, MalformedEncodingError) as error:
        raise InvalidAuthorizationDetailsError from Reason(str(error))
    if not 1 <= len(details) <= MAXIMUM_DETAILS:
        raise InvalidAuthorizationDetailsError from Reason("not exactly one payment")
    if PAYMENT_INITIATION not in allowed_types:
        raise InvalidAuthorizationDetailsError from Reason("the client may not initiate payments")
    for detail in details:
        _verify(detail)
    return details


def _typed(members: object) -> object:
    # RFC 9396 2: type is required; msgspec would take an untyped object for the only type there is.
    untyped = isinstance(members, list) and any(
        isinstance(member, dict) and "type" not in member for member in members
    )
    if untyped:
        raise InvalidAuthorizationDetailsError from Reason("type is missing")
    return members


def _verify(detail: PaymentInitiation) -> None:
    if not detail.instructed_amount.amount.strip("0."):
        raise InvalidAuthorizationDetailsError from Reason("the amount is zero")
    try:
        parse_plain_text(detail.creditor_name)
        if detail.remittance_information_unstructured is not None:
            parse_plain_text(detail.remittance_information_unstructured)
    except NotPlainTextError as error:
        raise InvalidAuthorizationDetailsError from Reason(str(error))
    account = detail.creditor_account
    if account is not None and not _is_iban(account.iban):
        raise InvalidAuthorizationDetailsError from Reason("the IBAN is not valid")


def _is_iban(text: str) -> bool:
    if not _IBAN.fullmatch(text):
        return False
    rearranged = text[4:] + text[:4]
    # ISO 13616: letters count as 10 to 35; the whole number modulo 97 is 1.
    return int("".join(str(int(character, 36)) for character in rearranged)) % 97 == 1
