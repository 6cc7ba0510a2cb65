"""The parameter as a whole: each object by the rule of its type, bounded together (RFC 9396 5)."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import msgspec

from ciba_service.protocol.errors import InvalidAuthorizationDetailsError, Reason
from ciba_service.protocol.locale import Locale
from ciba_service.protocol.request.authorization_details.declaration import parse_declared
from ciba_service.protocol.request.authorization_details.display import (
    DisplayedDetail,
    DisplayedTexts,
)
from ciba_service.protocol.request.authorization_details.granted import AuthorizationDetail
from ciba_service.protocol.request.authorization_details.payment import (
    PAYMENT_INITIATION,
    PaymentInitiation,
    parse_payment,
)
from ciba_service.protocol.request.authorization_details.registry import DetailTypes
from ciba_service.protocol.request.authorization_details.shape import (
    TypedObject,
    parse_typed_objects,
)

__all__ = ["AuthorizationDetails", "displayed_details", "parse_authorization_details"]

# In bytes of JSON: with all else that is shown they fit into one frame of 16 KiB to a phone.
MAXIMUM_SIZE: Final = 3072
MAXIMUM_DISPLAYED_SIZE: Final = 4096


@dataclass(frozen=True, slots=True)
class AuthorizationDetails:
    """What is asked for: as tokens would state it, and as a phone is to show it.

    ``granted`` holds every object in the order of the request. Each is also the ``payment``, of
    which there is one at most, or among those ``displayed``.
    """

    granted: tuple[AuthorizationDetail, ...] = ()
    payment: PaymentInitiation | None = None
    displayed: tuple[DisplayedDetail, ...] = ()
    strong_authentication: bool = False


def parse_authorization_details(
    value: object, *, types: DetailTypes, allowed: frozenset[str]
) -> AuthorizationDetails:
    """Read the parameter, JSON text in a form or an array in a request object.

    ``allowed`` are the types that the client registered.

    Raises:
        InvalidAuthorizationDetailsError: when it is malformed or too large, when an object is of a
            type that is unknown or not allowed, breaks the rule of its type or cannot be shown, and
            when there is more than one payment.
    """
    if value is None:
        return AuthorizationDetails()
    objects = parse_typed_objects(value)
    _demand_size(objects)
    if not {sent.type for sent in objects} <= types.names & allowed:
        raise InvalidAuthorizationDetailsError from Reason("a type is unknown or not allowed")
    parsed = tuple(_parsed(sent, types) for sent in objects)
    payments = tuple(each for each in parsed if isinstance(each, PaymentInitiation))
    if len(payments) > 1:
        raise InvalidAuthorizationDetailsError from Reason("more than one payment")
    details = AuthorizationDetails(
        granted=tuple(_granted(each) for each in parsed),
        payment=payments[0] if payments else None,
        displayed=tuple(each for each in parsed if isinstance(each, DisplayedDetail)),
        strong_authentication=bool(payments) or _demand_strength(objects, types),
    )
    # In every language: nobody learns which one the user has.
    if max(_displayed_size(details, locale) for locale in Locale) > MAXIMUM_DISPLAYED_SIZE:
        raise InvalidAuthorizationDetailsError from Reason("too much to show")
    return details


def displayed_details(
    granted: Iterable[AuthorizationDetail], types: DetailTypes
) -> tuple[DisplayedDetail, ...]:
    """What was granted, shown once more; by its type alone if that is declared otherwise by now."""
    return tuple(_displayed(detail, types) for detail in granted)


def _displayed(detail: AuthorizationDetail, types: DetailTypes) -> DisplayedDetail:
    declared = types.declared.get(detail.type)
    if declared is not None:
        with suppress(InvalidAuthorizationDetailsError):
            return parse_declared(
                TypedObject(detail.type, msgspec.json.decode(detail.json)), declared
            )
    return DisplayedDetail(detail, dict.fromkeys(Locale, DisplayedTexts(detail.type, ())))


def _parsed(sent: TypedObject, types: DetailTypes) -> PaymentInitiation | DisplayedDetail:
    if sent.type == PAYMENT_INITIATION:
        return parse_payment(sent.members)
    return parse_declared(sent, types.declared[sent.type])


def _granted(parsed: PaymentInitiation | DisplayedDetail) -> AuthorizationDetail:
    if isinstance(parsed, DisplayedDetail):
        return parsed.detail
    return AuthorizationDetail(PAYMENT_INITIATION, msgspec.json.encode(parsed).decode("utf-8"))


def _demand_strength(objects: Iterable[TypedObject], types: DetailTypes) -> bool:
    return any(types.declared[sent.type].strong_authentication for sent in objects)


def _demand_size(objects: Iterable[TypedObject]) -> None:
    # Before anything else is done with them; what is granted is never larger.
    try:
        size = sum(len(msgspec.json.encode(sent.members)) for sent in objects)
    except (ValueError, RecursionError):
        raise InvalidAuthorizationDetailsError from Reason("not to be written as JSON")
    if size > MAXIMUM_SIZE:
        raise InvalidAuthorizationDetailsError from Reason("too large")


def _displayed_size(details: AuthorizationDetails, locale: Locale) -> int:
    return sum(len(msgspec.json.encode(each.texts[locale])) for each in details.displayed)
