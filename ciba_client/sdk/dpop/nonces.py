"""The nonces that servers want to see in the next proof (RFC 9449 8, 9)."""

import re
from collections.abc import Sequence
from typing import Final

import httpx2

__all__ = ["DpopNonces"]

# RFC 9449 8.1; no server needs a longer one.
_NONCE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,1024}")


class DpopNonces:
    """The last nonce of each server, by its origin."""

    def __init__(self) -> None:
        self._nonces: dict[tuple[str, str, int | None], str] = {}

    def find(self, url: str) -> str | None:
        """The nonce for a proof to this address, if its server ever gave one."""
        return self._nonces.get(_origin(url))

    def remember(self, url: str, lines: Sequence[str]) -> None:
        """Take the ``DPoP-Nonce`` header lines of an answer; only a single, proper one counts."""
        if len(lines) == 1 and _NONCE.fullmatch(lines[0]):
            self._nonces[_origin(url)] = lines[0]


def _origin(url: str) -> tuple[str, str, int | None]:
    parsed = httpx2.URL(url)
    return parsed.scheme, parsed.host, parsed.port
