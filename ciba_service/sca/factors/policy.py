"""Which factors a request needs, and what ``acr`` and ``amr`` may truthfully say (RFC 8176).

The floor of the service and of the client applies; ``acr_values`` can only raise it (CIBA 7.1).
"""

from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from ciba_service.sca.messages import Factor

__all__ = [
    "ACR_TABLE",
    "PSD2_CA",
    "PSD2_SCA",
    "Requirement",
    "amr_of",
    "chosen_factors",
    "reachable_acrs",
    "requirement",
]

PSD2_CA: Final = "urn:openbanking:psd2:ca"
PSD2_SCA: Final = "urn:openbanking:psd2:sca"

# From weak to strong: possession alone; possession and another category, which the PIN stands for
# (knowledge) and in its place a passkey that verified its user (knowledge or inherence).
ACR_TABLE: Final[dict[str, frozenset[Factor]]] = {
    PSD2_CA: frozenset({Factor.DEVICE_KEY}),
    PSD2_SCA: frozenset({Factor.DEVICE_KEY, Factor.PIN}),
}

# What sort of key a passkey has, and how it verified its user, nobody attests: that the user was
# there is all that can be said of it beside "mfa".
_AMR: Final = {
    Factor.DEVICE_KEY: "pop",
    Factor.PIN: "pin",
    Factor.PASSKEY: "user",
    Factor.OTP: "otp",
}
_SECOND_CATEGORY: Final = frozenset({Factor.PIN, Factor.PASSKEY})


class Requirement(msgspec.Struct, frozen=True):
    """The authentication a request must reach: its ``acr`` and the factors to ask for.

    With ``passkey_for_pin`` a passkey may take the place of the PIN.
    """

    acr: str
    factors: tuple[Factor, ...]
    passkey_for_pin: bool = False


def requirement(
    *,
    floor: str,
    acr_values: tuple[str, ...],
    has_payment: bool,
    require_otp: bool,
    require_verification_code: bool = False,
    require_passkey: bool = False,
    passkeys_count: bool = False,
) -> Requirement:
    """The strongest of floor, payment and wish; unknown ``acr_values`` ask for nothing.

    A passkey that is demanded is the second category, and stands alone for it.
    """
    floors = [floor, *(acr for acr in acr_values if acr in ACR_TABLE)]
    if has_payment or require_passkey:
        floors.append(PSD2_SCA)  # RTS art. 97(1)(b) PSD2: payments need strong authentication
    acr = max(floors, key=list(ACR_TABLE).index)
    # The one-time code is a further possession element, never the second category.
    factors = ACR_TABLE[acr] | ({Factor.OTP} if require_otp else set())
    if require_verification_code:
        factors |= {Factor.VERIFICATION_CODE}
    if require_passkey:
        factors = factors - {Factor.PIN} | {Factor.PASSKEY}
    return Requirement(
        acr=acr,
        factors=_in_order(factors),
        passkey_for_pin=passkeys_count and Factor.PIN in factors,
    )


def reachable_acrs(*, floor: str, require_passkey: bool) -> tuple[str, ...]:
    """What an ``acr`` can be where this holds for every request, from weak to strong."""
    weakest = PSD2_SCA if require_passkey else floor
    acrs = tuple(ACR_TABLE)
    return acrs[acrs.index(weakest) :]


def chosen_factors(
    factors: tuple[Factor, ...], *, passkey_for_pin: bool, has_passkey: bool
) -> tuple[Factor, ...]:
    """What an approval is measured by, and says once it holds: never one proof or another.

    Whoever hands in a passkey where it may take the place of the PIN has chosen it.
    """
    if not (passkey_for_pin and has_passkey):
        return factors
    return _in_order({*factors} - {Factor.PIN} | {Factor.PASSKEY})


def amr_of(factors: tuple[Factor, ...]) -> tuple[str, ...]:
    """What was done, in registered words; ``mfa`` when possession and another category were shown.

    A verification code says where the user is and nothing about who it is: it has no word.
    """
    methods = tuple(_AMR[factor] for factor in factors if factor in _AMR)
    is_strong = Factor.DEVICE_KEY in factors and not _SECOND_CATEGORY.isdisjoint(factors)
    return (*methods, "mfa") if is_strong else methods


def _in_order(factors: AbstractSet[Factor]) -> tuple[Factor, ...]:
    return tuple(factor for factor in Factor if factor in factors)
