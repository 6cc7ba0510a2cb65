"""The address of a request, in one spelling for all that mean the same (RFC 3986 6.2.2, 6.2.3)."""

import re
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final

import msgspec

__all__ = ["HttpUri", "InvalidUriError", "parse_http_uri"]

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HIGHEST_PORT: Final = 65535
_LONGEST_KEPT: Final = 256

# RFC 3986 3; user information is refused (RFC 9110 4.2.4), query and fragment are passed over.
_URI: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>(?:[a-z0-9._~-]|%[0-9a-f]{2})+))"
    r"(?::(?P<port>[0-9]{0,5}))?"
    r"(?P<path>(?:/(?:[a-z0-9._~!$&'()*+,;=:@/-]|%[0-9a-f]{2})*)?)"
    r"(?:[?#][\x21-\x7e]*)?",
    re.ASCII | re.IGNORECASE,
)
_PERCENT_ENCODED: Final = re.compile(r"%([0-9A-Fa-f]{2})", re.ASCII)
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]", re.ASCII)


class InvalidUriError(ValueError):
    """The text is no absolute http or https URI; the text says why."""


class HttpUri(msgspec.Struct, frozen=True):
    """An http or https URI without query and fragment, normalised; equal when it means the same."""

    scheme: str
    host: str
    port: int
    path: str

    def __str__(self) -> str:
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}"


def parse_http_uri(text: str) -> HttpUri:
    """Read and normalise; query and fragment are left out (RFC 9449 4.3).

    Raises:
        InvalidUriError: when it is malformed, relative, of another scheme, or names a user.
    """
    # What strangers send must not fill the memory: only addresses of an ordinary length are kept.
    return _kept_uri(text) if len(text) <= _LONGEST_KEPT else _read_uri(text)


@lru_cache(maxsize=256)
def _kept_uri(text: str) -> HttpUri:
    return _read_uri(text)


def _read_uri(text: str) -> HttpUri:
    parts = _URI.fullmatch(text)
    if parts is None:
        raise InvalidUriError("not an http or https URI")
    scheme = parts["scheme"].lower()
    return HttpUri(
        scheme=scheme,
        host=_host(parts["name"]) if parts["name"] else _address(parts["address"]),
        port=_port(parts["port"]) or _DEFAULT_PORTS[scheme],
        path=_without_dot_segments(_normal_percent_encoding(parts["path"] or "/")),
    )


def _host(name: str) -> str:
    host = _normal_percent_encoding(name).lower()
    if "%" in host:
        raise InvalidUriError("the host has encoded characters that no host name has")
    return host


def _address(text: str) -> str:
    try:
        return f"[{IPv6Address(text)}]"
    except ValueError as error:
        raise InvalidUriError("the host is not an IPv6 address") from error


def _port(digits: str | None) -> int | None:
    if not digits:
        return None
    port = int(digits)
    if not 0 < port <= _HIGHEST_PORT:
        raise InvalidUriError("the port is out of range")
    return port


def _normal_percent_encoding(text: str) -> str:
    return _PERCENT_ENCODED.sub(_decoded_if_unreserved, text) if "%" in text else text


def _decoded_if_unreserved(encoded: re.Match[str]) -> str:
    character = chr(int(encoded[1], 16))
    return character if _UNRESERVED.fullmatch(character) else encoded[0].upper()


def _without_dot_segments(path: str) -> str:
    # RFC 3986 5.2.4, of a path that begins with a slash.
    segments = path.split("/")[1:]
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
