"""What a page shows of an output, as a pattern.

``…`` stands for any text within a line, a line of ``...`` for any lines. The names of ``NAMES``
stand for what the reader has in their place: they are remembered, and put into later commands.
"""

import re

NAMES = (
    "ACTIVATION_CODE",
    "AUTH_REQ_ID",
    "DEVICE_ID",
    "DIGITS",
    "KID",
    "SECOND_SECRET",
    "SHA256",
    "TOKEN",
    "TRANSACTION_ID",
)
LEARNT = {
    "AUTH_REQ_ID": r'"auth_req_id": "([\w-]+)"',
    "CODE": r'(?:"activation_code": ?"|activation code  )([\w-]+)',
    "DEVICE_ID": r"^Enrolled for \S+ at \S+ as ([\w-]+)\.$",
    "KID": r"^(\S+) +token +ES256 +retired ",
    "SUB": r"^Enrolled for (\S+) at ",
    "TRANSACTION_ID": r'"txn": "([\w-]+)"',
}
"""What a reader takes from outputs that a page does not show, by the names that later commands
have for it."""

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


def learnt(printed: str) -> dict[str, str]:
    """What a reader could take from an output; of several the last."""
    found = {name: re.findall(pattern, printed, re.MULTILINE) for name, pattern in LEARNT.items()}
    return {name: values[-1] for name, values in found.items() if values}


def _any(what: str, named: set[str]) -> str:
    if what == "...\n":
        return r"(?:.*\n)*?"
    if what == "…":
        return ".*?"
    if what in named:
        return r"[\w-]+"
    named.add(what)
    shape = r"\d{3} \d{3}" if what == "DIGITS" else r"[\w-]+"
    return f"(?P<{what}>{shape})"
