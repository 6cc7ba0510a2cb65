"""What a page shows of an output, as a pattern.

``…`` stands for any text within a line, a line of ``...`` for any lines. The names of ``NAMES``
stand for what the reader has in their place: they are remembered, and put into later commands.
"""

import re

NAMES = ("AUTH_REQ_ID", "TRANSACTION_ID", "DEVICE_ID", "KID", "ACTIVATION_CODE", "SECOND_SECRET")
_PARTS = re.compile(r"^\.\.\.\n|…|\b(?:" + "|".join(NAMES) + r")\b", re.MULTILINE)


def pattern_of(shown: str) -> re.Pattern[str]:
    """The pattern that a whole output must match."""
    parts, at, named = [], 0, set[str]()
    for match in _PARTS.finditer(shown):
        parts.append(re.escape(shown[at : match.start()]))
        parts.append(_any(match[0], named))
        at = match.end()
    parts.append(re.escape(shown[at:]))
    return re.compile("".join(parts))


def _any(what: str, named: set[str]) -> str:
    if what == "...\n":
        return r"(?:.*\n)*?"
    if what == "…":
        return ".*?"
    if what in named:
        return r"[\w-]+"
    named.add(what)
    return rf"(?P<{what}>[\w-]+)"
