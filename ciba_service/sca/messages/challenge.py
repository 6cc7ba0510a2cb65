"""The payload of a challenge: what is shown, and the typed fields it says (PSD2 RTS art. 5)."""

import hashlib
import re
from typing import Final

import msgspec

from ciba_service.sca.messages.wire import Factor, base64url

__all__ = [
    "CHALLENGE_TYP",
    "CHALLENGE_VERSION",
    "Challenge",
    "Display",
    "Payment",
    "ShownDetail",
    "ShownLine",
    "amount_text",
    "challenge_hash",
]


CHALLENGE_VERSION: Final = 1
CHALLENGE_TYP: Final = "ciba-challenge+jws"
# For each language what stands between thousands, and before the fraction.
_SEPARATORS: Final = {"en": (",", "."), "de": (".", ",")}
_AMOUNT: Final = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)


class Payment(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """All of a payment as typed fields, for dynamic linking (PSD2 RTS art. 5).

    A phone refuses a member that it does not know: it could not show it.
    """

    amount: str
    currency: str
    creditor_name: str
    creditor_iban: str | None = None
    remittance_information: str | None = None


class ShownLine(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is shown of one member of an authorization detail, text by text under one label.

    ``member`` is its path, the names with dots between. The texts are the values themselves, but
    for spaces, or where it is ``worded`` the service's words: one text a value, or one on a member
    that is not there.
    """

    member: str
    label: str
    texts: tuple[str, ...]
    worded: bool = False


class ShownDetail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is shown of one authorization detail (RFC 9396 2); ``title`` says its type."""

    title: str
    lines: tuple[ShownLine, ...]


class Display(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The final text a phone shows, to the letter; identical on all phones of the user.

    Each member is shown apart from the others; one that the phone does not know is refused.
    ``logo`` is the SHA-256 of the picture beside the client's name (base64url): the phone shows
    that very picture, or none.
    """

    title: str
    client: str
    shares: tuple[str, ...]
    binding_message: str | None = None
    amount: str | None = None
    payee: str | None = None
    payee_account: str | None = None
    remittance_information: str | None = None
    details: tuple[ShownDetail, ...] = ()
    logo: str | None = None


class Challenge(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the challenge JWS; ``iat`` and ``exp`` are seconds since the epoch.

    ``authorization_details`` are all but payments, as tokens will state them; ``display.details``
    has each of them, in the same order. With ``passkey_for_pin`` the proof of a passkey may take
    the place of the PIN's.
    """

    v: int
    iss: str
    transaction_id: str
    nonce: str
    iat: int
    exp: int
    locale: str
    display: Display
    factors: tuple[Factor, ...]
    passkey_for_pin: bool = False
    scope: tuple[str, ...] = ()
    payments: tuple[Payment, ...] = ()
    authorization_details: tuple[dict[str, object], ...] = ()


def amount_text(amount: str, currency: str, locale: str) -> str:
    """An amount as it is displayed, each digit of it (PSD2 RTS art. 5).

    Raises:
        KeyError: for a language that there is not.
        ValueError: for what is no decimal number with a point.
    """
    thousands, point = _SEPARATORS[locale]
    if not _AMOUNT.fullmatch(amount):
        raise ValueError("no amount")
    whole, _, fraction = amount.partition(".")
    grouped = f"{int(whole):,}".replace(",", thousands)
    return f"{grouped}{point if fraction else ''}{fraction} {currency}"


def challenge_hash(challenge: str) -> str:
    """Hash of the exact challenge JWS: the dynamic link a decision signs (PSD2 RTS art. 5)."""
    return base64url(hashlib.sha256(challenge.encode("ascii")).digest())
