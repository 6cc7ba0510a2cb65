"""Sockets of which nobody knows yet whose phone it is: no address has more than a part of them all.

Otherwise one that opens sockets and authenticates on none would keep all phones out.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

__all__ = ["Stranger", "Strangers", "put_stranger", "stranger_of"]

_STRANGER: Final = "ciba_service.stranger"
_PART: Final = 16
_FAREWELL_SECONDS: Final = 10.0
"""A connection may last so long after its socket has ended."""


class Strangers:
    """A sixteenth of ``sockets`` for each address."""

    def __init__(self, sockets: int, *, farewell_seconds: float = _FAREWELL_SECONDS) -> None:
        self.farewell_seconds = farewell_seconds
        self._most = max(1, sockets // _PART)
        self._open: Counter[str] = Counter()

    def enter(self, address: str) -> "Stranger | None":
        """One socket more from there; None when it has its part."""
        if self._open[address] >= self._most:
            return None
        self._open[address] += 1
        return Stranger(self, address)

    def leave(self, address: str) -> None:
        """One socket less."""
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]


class Stranger:
    """One socket, which counts until its phone is known, or is gone."""

    __slots__ = ("_address", "_counts", "_strangers")

    def __init__(self, strangers: Strangers, address: str) -> None:
        self._strangers = strangers
        self._address = address
        self._counts = True

    def known(self) -> None:
        """Its phone has authenticated."""
        if self._counts:
            self._counts = False
            self._strangers.leave(self._address)

    def ended(self) -> None:
        """The application is done with it."""
        if self._counts:
            asyncio.get_running_loop().call_later(self._strangers.farewell_seconds, self.known)


def put_stranger(scope: MutableMapping[str, Any], stranger: Stranger) -> None:
    """The socket of this scope is that one."""
    scope[_STRANGER] = stranger


def stranger_of(scope: Mapping[str, Any]) -> Stranger | None:
    """The socket of an ASGI scope; None where nobody counts it."""
    return scope.get(_STRANGER)
