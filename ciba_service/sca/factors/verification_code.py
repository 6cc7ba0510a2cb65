"""Number matching: a code goes from the consumption device to the phone, by way of the user.

Whoever has only bombarded a phone with requests cannot tell its user what to type (NIST SP
800-63B-4 3.1.3; RFC 10027 6). The service never sends the code to a phone.
"""

from collections.abc import Callable
from typing import Final

__all__ = ["DIGITS", "new_verification_code"]

DIGITS: Final = 6
# So many more bytes than needed that no code is likelier than another by more than 2 to the -44.
_RANDOM_BYTES: Final = 8


def new_verification_code(random: Callable[[int], bytes]) -> str:
    """Six decimal digits, each code as likely as any other."""
    return f"{int.from_bytes(random(_RANDOM_BYTES)) % 10**DIGITS:0{DIGITS}}"
