"""Activation codes and second secrets: made here, typed by people (PSD2 RTS art. 25)."""

from collections.abc import Callable
from typing import Final

__all__ = [
    "ACTIVATION_LIFETIME_MS",
    "ATTEMPT_LIMIT",
    "activation_link",
    "new_activation_code",
    "new_second_secret",
    "normal_code",
]

ACTIVATION_LIFETIME_MS: Final = 600_000
ATTEMPT_LIMIT: Final = 5
"""How often a second secret may be wrong before its code is worth nothing."""
# Without I, L, O and U, which are misread or make words (Crockford's base 32).
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH: Final = 12
_GROUP: Final = 4
_SECRET_DIGITS: Final = 6
_MISREAD: Final = str.maketrans("ILO", "110")


def new_activation_code(token_bytes: Callable[[int], bytes]) -> str:
    """Sixty random bits in three groups, as in ``K7QM-2RXP-9D4T``."""
    text = "".join(_ALPHABET[byte % 32] for byte in token_bytes(_CODE_LENGTH))
    return "-".join(text[start : start + _GROUP] for start in range(0, _CODE_LENGTH, _GROUP))


def new_second_secret(token_bytes: Callable[[int], bytes]) -> str:
    """Six random digits, to be handed over another way."""
    number = int.from_bytes(token_bytes(8), "big") % 10**_SECRET_DIGITS
    return f"{number:0{_SECRET_DIGITS}}"


def activation_link(phone_url: str, code: str) -> str:
    """Where a web phone takes the code from the fragment, which reaches no server."""
    return f"{phone_url}#{code}"


def normal_code(text: str) -> str:
    """A code as it is kept: upper case, no separators, look-alike letters read as digits."""
    return "".join(text.upper().replace("-", "").split()).translate(_MISREAD)
