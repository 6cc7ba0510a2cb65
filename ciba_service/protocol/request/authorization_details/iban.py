"""IBANs (ISO 13616): their check digits, and how they stand on paper."""

import re
from typing import Final

__all__ = ["in_groups", "is_iban"]

_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
_GROUPS: Final = re.compile(".{1,4}")


def is_iban(text: str) -> bool:
    """Whether it is one, without spaces, with the right check digits."""
    if not _IBAN.fullmatch(text):
        return False
    rearranged = text[4:] + text[:4]
    # ISO 13616: letters count as 10 to 35; the whole number modulo 97 is 1.
    return int("".join(str(int(character, 36)) for character in rearranged)) % 97 == 1


def in_groups(iban: str) -> str:
    """In groups of four, as it stands on paper, for eyes."""
    return " ".join(_GROUPS.findall(iban))
