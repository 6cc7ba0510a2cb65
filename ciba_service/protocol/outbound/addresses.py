"""Which addresses the service may connect to: public ones, and what the operator names.

Clients register URLs. Without this rule one of them could make the service ask its neighbours, this
machine, or what hands out credentials to whoever runs in a cloud (RFC 7591 5, FAPI-CIBA 7.9).
"""

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

__all__ = ["AddressPolicy", "InvalidAllowListError"]

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

# IANA's registries of special-purpose addresses, written out: ipaddress.is_private differs between
# the releases of Python.
_SPECIAL_IPV4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
    )
)  # fmt: skip
# Of IPv6 only this is routed in public, and not all of it.
_GLOBAL_IPV6: Final = IPv6Network("2000::/3")
_SPECIAL_IPV6: Final = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")
)
# Whoever gets a packet for one of these sends it on to the IPv4 address inside.
_6TO4: Final = IPv6Network("2002::/16")
_NAT64: Final = IPv6Network("64:ff9b::/96")
# No connection leads there, whatever anybody allows; 0.0.0.0 is this machine on Linux.
_NOWHERE: Final = tuple(
    ip_network(text)
    for text in ("0.0.0.0/32", "224.0.0.0/4", "255.255.255.255/32", "::/128", "ff00::/8")
)
# These hand out credentials to any program on a cloud's machine; not all lie in private networks.
_METADATA: Final = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200",
        "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
    )
)  # fmt: skip


class InvalidAllowListError(ValueError):
    """Text that is no network; the text names it."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Public addresses, and those in networks that the operator allows beside them.

    What hands out credentials in clouds is allowed only by an entry for that one address.
    """

    allowed: tuple[_Network, ...] = ()

    @classmethod
    def parse(cls, networks: Iterable[str]) -> "AddressPolicy":
        """Read addresses and networks (``10.1.0.0/16``, ``fd12::/48``).

        Raises:
            InvalidAllowListError: naming the entry that is malformed.
        """
        return cls(tuple(_network(text) for text in networks))

    def permits(self, text: str) -> bool:
        """Whether a connection to an address may be opened."""
        try:
            address = ip_address(text)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return False
        return all(self._permits(reached) for reached in _reached(address))

    def _permits(self, address: _Address) -> bool:
        if any(address in network for network in _NOWHERE):
            return False
        if address in _METADATA:
            return ip_network(address) in self.allowed
        return _is_public(address) or any(address in network for network in self.allowed)


def _network(text: str) -> _Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise InvalidAllowListError(f"{text!r} is not an address or network") from error


def _reached(address: _Address) -> tuple[_Address, ...]:
    """Every address at which a packet to this one may arrive."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in _6TO4:
        return (address, IPv4Address(address.packed[2:6]))
    if address in _NAT64:
        return (address, IPv4Address(address.packed[12:]))
    return (address,)


def _is_public(address: _Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_IPV4)
    if address in _NAT64:
        return True
    return address in _GLOBAL_IPV6 and not any(address in network for network in _SPECIAL_IPV6)
