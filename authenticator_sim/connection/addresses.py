"""Which addresses the phone talks to: TLS everywhere, plain text on this machine only."""

import ipaddress
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from authenticator_sim.errors import AddressRefused, UsageError

__all__ = ["is_loopback", "require_issuer", "require_protected", "tls_context"]

_PROTECTED: Final = frozenset({"https", "wss"})
_PLAIN: Final = frozenset({"http", "ws"})


def is_loopback(url: str) -> bool:
    """Whether the address names this machine itself."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_protected(url: str) -> str:
    """Return the address if it is protected by TLS or stays on this machine.

    Raises:
        AddressRefused: Neither holds, or it is no web address.
    """
    try:
        parts = urlsplit(url)
        known = bool(parts.hostname) and not (parts.username or parts.password)
        plain = parts.scheme in _PLAIN and is_loopback(url)
    except ValueError as error:
        raise AddressRefused("An address of the service cannot be read.") from error
    if not known or not (parts.scheme in _PROTECTED or plain):
        raise AddressRefused(
            "An address of the service must begin with https:// or wss://; "
            "plain http:// and ws:// are for this machine only."
        )
    return url


def require_issuer(url: str) -> str:
    """Return the address if an issuer may have it (OpenID Connect Discovery 4.1).

    Raises:
        AddressRefused: It has a slash at its end, or it is not protected.
    """
    if require_protected(url).endswith("/"):
        raise AddressRefused("The issuer has no slash at its end.")
    return url


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Trust the system's authorities, or those of one PEM file only; raises ``UsageError``."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"{ca_file} is no readable file of certificates.") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
