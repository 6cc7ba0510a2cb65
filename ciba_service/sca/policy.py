"""Which factors a request needs, and what ``acr`` and ``amr`` may truthfully say (RFC 8176).

The floor of the service and of the client applies; ``acr_values`` can only raise it (CIBA 7.1).
"""

from dataclasses import dataclass
from typing import Final

from ciba_service.sca.messages import Factor

__all__ = ["ACR_TABLE", "PSD2_CA", "PSD2_SCA", "Requirement", "amr_of", "requirement"]

PSD2_CA: Final = "urn:openbanking:psd2:ca"
PSD2_SCA: Final = "urn:openbanking:psd2:sca"

# From weak to strong: possession alone; possession and knowledge.
ACR_TABLE: Final[dict[str, frozenset[Factor]]] = {
    PSD2_CA: frozenset({Factor.DEVICE_KEY}),
    PSD2_SCA: frozenset({Factor.DEVICE_KEY, Factor.PIN}),
}

_AMR: Final = {Factor.DEVICE_KEY: "pop", Factor.PIN: "pin", Factor.OTP: "otp"}


@dataclass(frozen=True, slots=True)
class Requirement:
    """The authentication a request must reach: its ``acr`` and the factors to ask for."""

    acr: str
    factors: tuple[Factor, ...]


def requirement(
    *,
    floor: str,
    acr_values: tuple[str, ...],
    has_payment: bool,
    require_otp: bool,
    require_verification_code: bool = False,
) -> Requirement:
    """The strongest of floor, payment and wish; unknown ``acr_values`` ask for nothing."""
    floors = [floor, *(acr for acr in acr_values if acr in ACR_TABLE)]
    if has_payment:
        floors.append(PSD2_SCA)  # RTS art. 97(1)(b) PSD2: payments need strong authentication
    acr = max(floors, key=list(ACR_TABLE).index)
    # The one-time code is a further possession element, never the second category.
    factors = ACR_TABLE[acr] | ({Factor.OTP} if require_otp else set())
    if require_verification_code:
        factors |= {Factor.VERIFICATION_CODE}
    return Requirement(acr=acr, factors=tuple(factor for factor in Factor if factor in factors))


def amr_of(factors: tuple[Factor, ...]) -> tuple[str, ...]:
    """What was done, in registered words; ``mfa`` when possession and knowledge were shown.

    A verification code says where the user is and nothing about who it is: it has no word.
    """
    methods = tuple(_AMR[factor] for factor in factors if factor in _AMR)
    return (*methods, "mfa") if {Factor.DEVICE_KEY, Factor.PIN} <= set(factors) else methods
