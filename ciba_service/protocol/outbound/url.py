"""URLs that the service itself asks: one strict reading, with nothing in them that could mislead.

RFC 3986 allows more than is read here: user info, fragments, escapes in the host, numbers that
only some resolvers take for addresses. None of it belongs into what a client registers.
"""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

__all__ = [
    "MAXIMUM_URL_LENGTH",
    "InvalidUrlError",
    "OutboundUrl",
    "literal_address",
    "parse_outbound_url",
]

MAXIMUM_URL_LENGTH: Final = 2048
_MAXIMUM_HOST_LENGTH: Final = 253
_MAXIMUM_PORT: Final = 65_535
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}

_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_CHARACTER: Final = r"[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2}"
_URL: Final = re.compile(
    rf"(?P<scheme>https?)://"
    rf"(?:(?P<name>{_LABEL}(?:\.{_LABEL})*)|\[(?P<literal>[0-9A-Fa-f:.]+)\])"
    rf"(?::(?P<port>[1-9][0-9]{{0,4}}))?"
    rf"(?P<path>(?:/(?:{_CHARACTER})*)?)"
    rf"(?P<query>(?:\?(?:{_CHARACTER}|\?)*)?)",
    re.ASCII,
)
# Resolvers take 127.1, 0x7f000001 and 2130706433 for addresses.
_NUMBER: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)", re.ASCII)


class InvalidUrlError(ValueError):
    """Text that is no URL the service would ask; the text does not repeat it."""


@dataclass(frozen=True, slots=True)
class OutboundUrl:
    """An absolute http or https URL; ``host`` is lower case and has no brackets."""

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)

    @property
    def authority(self) -> str:
        """Host and port as the ``Host`` header has them (RFC 9110 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def names_loopback(self) -> bool:
        """Whether the URL itself says that this machine is meant."""
        literal = literal_address(self.host)
        return self.host == "localhost" if literal is None else literal.is_loopback


def literal_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that stands in place of a host name, if one does."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def parse_outbound_url(text: str) -> OutboundUrl:
    """Read a URL; raises ``InvalidUrlError``."""
    matched = _URL.fullmatch(text) if len(text) <= MAXIMUM_URL_LENGTH else None
    if matched is None:
        raise InvalidUrlError("not a plain http or https URL without user and fragment")
    scheme = matched["scheme"]
    port = int(matched["port"] or _DEFAULT_PORTS[scheme])
    if port > _MAXIMUM_PORT:
        raise InvalidUrlError("there is no such port")
    return OutboundUrl(
        scheme=scheme,
        host=_name(matched["name"]) if matched["name"] else _literal(matched["literal"]),
        port=port,
        target=(matched["path"] or "/") + matched["query"],
    )


def _name(text: str) -> str:
    if len(text) > _MAXIMUM_HOST_LENGTH:
        raise InvalidUrlError("the host is too long")
    if not _NUMBER.fullmatch(text):
        return text.lower()
    try:
        return str(IPv4Address(text))
    except ValueError as error:
        raise InvalidUrlError("the host is a number but no address") from error


def _literal(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError as error:
        raise InvalidUrlError("the host is no IPv6 address") from error
