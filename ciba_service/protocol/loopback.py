"""Addresses of this machine."""

from ipaddress import ip_address

__all__ = ["is_loopback_address"]


def is_loopback_address(text: str) -> bool:
    """Whether an address is this machine and nothing else; behind it there may be anybody."""
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False
