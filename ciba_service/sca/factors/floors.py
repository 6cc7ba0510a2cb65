"""Floors of authentication by who asks for what: the strongest that applies counts.

A rule only ever adds to what is demanded anyway, and so does what the client wishes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import msgspec

from ciba_service.protocol.request.authorization_details import InstructedAmount
from ciba_service.sca.factors.policy import ACR_TABLE

__all__ = ["Asked", "Floor", "FloorRule", "strongest_floor"]

_STRENGTHS: Final = tuple(ACR_TABLE)


class Asked(msgspec.Struct, frozen=True):
    """What a request asks for, as far as rules look at it; ``amount`` is that of its payment."""

    client_id: str
    scope: tuple[str, ...]
    detail_types: frozenset[str]
    amount: InstructedAmount | None


class Floor(msgspec.Struct, frozen=True):
    """The least a user must show: what ``acr`` needs, and these beside it."""

    acr: str
    otp: bool
    verification_code: bool
    passkey: bool = False


@dataclass(frozen=True, slots=True)
class FloorRule:
    """What is demanded of a request for which all conditions hold; None is no condition.

    ``min_amount`` is compared in its own ``currency`` only, and holds from there on.
    """

    client: str | None = None
    scope: str | None = None
    type: str | None = None
    min_amount: Decimal | None = None
    currency: str | None = None
    acr: str | None = None
    otp: bool = False
    verification_code: bool = False
    passkey: bool = False

    def applies_to(self, asked: Asked) -> bool:
        """Whether all conditions hold."""
        return (
            self.client in (None, asked.client_id)
            and (self.scope is None or self.scope in asked.scope)
            and (self.type is None or self.type in asked.detail_types)
            and self._reaches(asked.amount)
        )

    def _reaches(self, amount: InstructedAmount | None) -> bool:
        if self.min_amount is None:
            return True
        return (
            amount is not None
            and amount.currency == self.currency
            and Decimal(amount.amount) >= self.min_amount
        )


def strongest_floor(base: Floor, rules: Iterable[FloorRule], asked: Asked) -> Floor:
    """The base, raised by every rule that applies."""
    applying = [rule for rule in rules if rule.applies_to(asked)]
    named = [rule.acr for rule in applying if rule.acr is not None]
    return Floor(
        acr=max((base.acr, *named), key=_STRENGTHS.index),
        otp=base.otp or any(rule.otp for rule in applying),
        verification_code=base.verification_code
        or any(rule.verification_code for rule in applying),
        passkey=base.passkey or any(rule.passkey for rule in applying),
    )
