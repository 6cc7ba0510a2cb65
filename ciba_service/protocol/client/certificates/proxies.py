"""Which peers may forward a client's certificate in headers (RFC 8705 6.5, RFC 9440 4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

__all__ = ["UNIX_SOCKET", "InvalidNetworkError", "TrustedProxies"]

UNIX_SOCKET: Final = "unix"
_MAPPED: Final = IPv6Network("::ffff:0:0/96")


class InvalidNetworkError(ValueError):
    """Text that is no network, or that would believe everybody; the text says why."""


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Networks of the proxies in front, and whether one may come over a unix socket."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    unix_socket: bool = False

    @classmethod
    def parse(cls, entries: Iterable[str]) -> "TrustedProxies":
        """Read addresses, networks (``10.0.0.0/24``, ``fd00::/64``) and ``unix``.

        Raises:
            InvalidNetworkError: naming the entry that is malformed or means the whole world.
        """
        texts = tuple(entries)
        return cls(
            networks=tuple(_network(text) for text in texts if text != UNIX_SOCKET),
            unix_socket=UNIX_SOCKET in texts,
        )

    def believes(self, peer: str | None) -> bool:
        """Whether the peer of a connection is such a proxy; ``None`` is a unix socket's peer."""
        if peer is None:
            return self.unix_socket
        if not self.networks:
            return False
        try:
            address = _unmapped(ip_address(peer))
        except ValueError:
            return False
        return any(address in network for network in self.networks)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise InvalidNetworkError(f"{text!r} is not an address or network") from error
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        packed = network.network_address.packed[-4:]
        network = IPv4Network((packed, network.prefixlen - _MAPPED.prefixlen))
    if network.prefixlen == 0:
        raise InvalidNetworkError(f"{text!r} would believe everybody")
    return network


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    # A socket for both families shows IPv4 peers as ::ffff:a.b.c.d.
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
