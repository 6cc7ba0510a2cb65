"""The issuer identifier: one spelling only, since everybody compares it letter by letter.

OpenID Discovery 3 and RFC 8414 2: an https URL without query and fragment; a path is allowed.
"""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

__all__ = ["is_loopback", "issuer_defect"]

_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_PLAIN: Final = re.compile(
    r"https?://"
    r"(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])"
    r"(?::[1-9][0-9]*)?"
    r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*",
    re.ASCII,
)


def issuer_defect(issuer: str) -> str | None:
    """What is wrong with an issuer, or None.

    Two spellings of one URL (a final slash, the default port, capitals, escapes) would be two
    issuers to a client, so that only the plainest one is accepted. http is for loopback only.
    """
    try:
        parts = urlsplit(issuer)
        port = parts.port
    except ValueError:
        return "is not a URL"
    host = parts.hostname or ""
    defects = {
        "must be an https URL": parts.scheme not in _DEFAULT_PORTS or not host,
        "must have no query, fragment or user": any(mark in issuer for mark in "?#@"),
        "must not end with a slash": issuer.endswith("/"),
        "must not name the default port": port == _DEFAULT_PORTS.get(parts.scheme, 0),
        "must be lower case up to its path, which is made of plain names": (
            not _PLAIN.fullmatch(issuer)
        ),
        "may be http on loopback only": parts.scheme == "http" and not is_loopback(host),
    }
    return next((text for text, is_so in defects.items() if is_so), None)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
