"""How long a client is willing to wait for an answer (RFC 7240 4.3, ``Prefer: wait=N``)."""

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["preferred_wait"]

# Nine digits are more years than anybody waits; what is longer is no number to us.
_WAIT: Final = re.compile(
    r'\s*wait\s*=\s*(?:"([0-9]{1,9})"|([0-9]{1,9}))\s*(?:;.*)?', re.ASCII | re.IGNORECASE
)
_NAME: Final = re.compile(r"\s*wait\s*(?:[=;].*)?", re.ASCII | re.IGNORECASE)


def preferred_wait(lines: Iterable[str]) -> int | None:
    """The seconds of the first ``wait``; None when there is none, or it is malformed.

    RFC 7240 2: of a preference that is repeated the first counts; what is not understood is
    ignored.
    """
    for preference in (each for line in lines for each in line.split(",")):
        if _NAME.fullmatch(preference):
            found = _WAIT.fullmatch(preference)
            return None if found is None else int(found[1] or found[2])
    return None
