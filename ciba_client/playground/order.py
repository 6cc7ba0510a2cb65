"""What the page asks for: one authentication request, in the words of the form."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["HintKind", "Order", "Payment", "Unusable", "parse_order"]

_Line = Annotated[str, Meta(max_length=1024)]
_Jwt = Annotated[str, Meta(max_length=16 * 1024)]


class Unusable(Exception):
    """What the page sent cannot be used; the text is for who filled in the form."""


class HintKind(StrEnum):
    """Whom to ask (CIBA 7.1)."""

    LOGIN_HINT = "login_hint"
    LOGIN_HINT_TOKEN = "login_hint_token"  # noqa: S105 - the name of a parameter
    ID_TOKEN_HINT = "id_token_hint"  # noqa: S105 - likewise


class Payment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be paid to whom."""

    amount: Annotated[str, Meta(max_length=32)]
    currency: Annotated[str, Meta(max_length=3)]
    payee: _Line
    iban: Annotated[str, Meta(max_length=64)] = ""
    remittance: _Line = ""

    def details(self) -> dict[str, object]:
        """As ``authorization_details`` have it (RFC 9396; the type of the Berlin Group)."""
        members: dict[str, object] = {
            "type": "payment_initiation",
            "instructedAmount": {"currency": self.currency.strip(), "amount": self.amount.strip()},
            "creditorName": self.payee.strip(),
        }
        if iban := "".join(self.iban.split()):
            members["creditorAccount"] = {"iban": iban}
        if self.remittance.strip():
            members["remittanceInformationUnstructured"] = self.remittance.strip()
        return members


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One authentication request; ``hint_of`` is a flow whose ID token is to be the hint."""

    client: _Line
    hint_kind: HintKind = HintKind.LOGIN_HINT
    hint: _Jwt = ""
    hint_of: _Line = ""
    scope: _Line = "openid"
    binding_message: _Line = ""
    acr_values: _Line = ""
    requested_expiry: Annotated[int, Meta(ge=1, le=86_400)] | None = None
    user_code: Annotated[str, Meta(max_length=256)] = ""
    payment: Payment | None = None
    authorization_details: Annotated[str, Meta(max_length=16 * 1024)] = ""
    extensions: Annotated[str, Meta(max_length=16 * 1024)] = ""

    def details(self) -> list[dict[str, object]]:
        """The ``authorization_details``; raises ``Unusable``."""
        if self.payment is not None:
            return [self.payment.details()]
        if not self.authorization_details.strip():
            return []
        try:
            return msgspec.json.decode(self.authorization_details, type=list[dict[str, object]])
        except (ValueError, RecursionError) as error:
            raise Unusable("authorization_details must be a JSON array of objects") from error

    def title(self) -> str:
        """What it is about, in a few words."""
        if self.payment is not None:
            payment = self.payment
            return f"{payment.amount} {payment.currency} to {payment.payee}"
        return self.binding_message or self.scope

    def hint_text(self) -> str:
        """Whom it asks, in a few words."""
        return self.hint if self.hint_kind is HintKind.LOGIN_HINT else str(self.hint_kind)

    def parameters(self) -> Mapping[str, object]:
        """What ``CibaClient.authenticate`` is given; raises ``Unusable``."""
        if not self.hint.strip():
            raise Unusable("say whom to ask: the hint is empty")
        given: dict[str, object] = {
            "scope": self.scope.strip() or "openid",
            str(self.hint_kind): self.hint.strip(),
            "binding_message": self.binding_message or None,
            "acr_values": self.acr_values.strip() or None,
            "requested_expiry": self.requested_expiry,
            "user_code": self.user_code or None,
            "authorization_details": self.details() or None,
            "extensions": self._extensions() or None,
        }
        return {name: value for name, value in given.items() if value is not None}

    def _extensions(self) -> dict[str, object]:
        """Further parameters, such as ``claims`` and ``resource``."""
        if not self.extensions.strip():
            return {}
        try:
            return msgspec.json.decode(self.extensions, type=dict[str, object])
        except (ValueError, RecursionError) as error:
            raise Unusable("further parameters must be a JSON object") from error


def parse_order(body: bytes) -> Order:
    """Read what the page sent; raises ``Unusable``."""
    try:
        return msgspec.json.decode(body, type=Order)
    except (ValueError, RecursionError) as error:
        raise Unusable("the form is incomplete, or a field is too long") from error
