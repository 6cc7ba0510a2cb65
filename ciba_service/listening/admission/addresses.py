"""Where a request came from: the connection's address, or the one that a believed proxy tells."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from ciba_service.listening.peer import forward_address, peer_address
from ciba_service.protocol.admission.addresses import (
    InvalidForwardedAddressError,
    counted_address,
    forwarded_address,
)
from ciba_service.protocol.client.certificates.proxies import TrustedProxies
from ciba_service.protocol.loopback import is_loopback_address

__all__ = ["Addresses", "Origin"]

NOBODY: Final = TrustedProxies()
_MOST_KEPT: Final = 4_096


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose turn a request is part of, and whether this is one sender's address.

    Behind a proxy that tells nothing, and on this machine, there may be anybody: nobody is blamed
    there for what another does.
    """

    key: str
    is_one: bool


_UNIX: Final = Origin("unix", is_one=False)


class Addresses:
    """``header`` is the one in which ``proxies`` tell who has connected to them.

    What is known of addresses that connect is kept, in bounded number.
    """

    __slots__ = ("_connected", "_header", "_proxies")

    def __init__(self, proxies: TrustedProxies = NOBODY, header: str | None = None) -> None:
        self._proxies = proxies
        self._header = None if header is None else header.lower().encode("ascii")
        self._connected: dict[str | None, Origin] = {}

    def origin(self, scope: MutableMapping[str, Any]) -> Origin:
        """Where a request came from; from now on ``peer_address`` says so, too."""
        address = peer_address(scope)
        origin = self._connected.get(address) or self._looked_at(address)
        if self._header is None or not self._proxies.believes(address):
            return origin
        lines = [value for name, value in scope["headers"] if name == self._header]
        try:
            told = forwarded_address(lines)
        except InvalidForwardedAddressError:
            return origin
        forward_address(scope, told)
        return Origin(counted_address(told), is_one=True)

    def key(self, address: str) -> str | None:
        """Whose turn it is, by the connection alone; None where a proxy has to tell."""
        if self._header is not None and self._proxies.believes(address):
            return None
        return (self._connected.get(address) or self._looked_at(address)).key

    def _looked_at(self, address: str | None) -> Origin:
        if len(self._connected) >= _MOST_KEPT:
            self._connected.clear()
        known = _UNIX if address is None else self._by(address)
        self._connected[address] = known
        return known

    def _by(self, address: str) -> Origin:
        is_one = not self._proxies.believes(address) and not is_loopback_address(address)
        return Origin(counted_address(address), is_one)
