"""Whose address counts: as one what one subscriber has, and nobody's what nobody is known by."""

from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

__all__ = ["InvalidForwardedAddressError", "counted_address", "forwarded_address"]

_SUBSCRIBER: Final = 64
"""Bits of an IPv6 address that are given out as one (RFC 6177); the others are the subscriber's."""
_LONGEST: Final = 64


class InvalidForwardedAddressError(ValueError):
    """What a proxy says is no address."""


def counted_address(text: str) -> str:
    """The address under which this one counts: an IPv4 address itself, of IPv6 the first 64 bits.

    What is no address counts as it is.
    """
    if ":" not in text or len(text) > _LONGEST:
        return text[:_LONGEST]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address) >> _SUBSCRIBER << _SUBSCRIBER, _SUBSCRIBER)))


def forwarded_address(lines: list[bytes]) -> str:
    """The last of the addresses in the lines of a header: that which the proxy itself saw.

    Those before it were sent by whoever it is, and say nothing.

    Raises:
        InvalidForwardedAddressError: when there is none, or it is no address.
    """
    last = lines[-1].rpartition(b",")[2].strip().decode("latin-1") if lines else ""
    try:
        return str(ip_address(last))
    except ValueError as error:
        raise InvalidForwardedAddressError("the last is no address") from error
