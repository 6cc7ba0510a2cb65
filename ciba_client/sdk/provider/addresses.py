"""Which addresses this client talks to: https, and plain http on loopback only."""

import ipaddress

import httpx2

from ciba_client.sdk.errors import ConfigurationError, InvalidProviderMetadata

__all__ = [
    "cancel_address",
    "discovery_address",
    "events_address",
    "is_loopback",
    "parse_endpoint",
    "parse_issuer",
    "parse_resource",
    "receipt_address",
    "receipt_keys_address",
]


def parse_issuer(issuer: str) -> str:
    """Accept an issuer identifier as given (OpenID Connect Discovery 3).

    Raises:
        ConfigurationError: not https (http on loopback aside), or it has user, query or fragment.
    """
    url = _parse(issuer)
    if url is None or "?" in issuer:
        raise ConfigurationError("the issuer is not a URL an issuer may have")
    if url.scheme != "https" and not is_loopback(issuer):
        raise ConfigurationError("the issuer must be https, or http on loopback")
    return issuer


def parse_endpoint(name: str, address: str, *, issuer: str) -> str:
    """Accept an endpoint's address from the metadata; plain http only below such an issuer.

    Raises:
        InvalidProviderMetadata: names the metadata member.
    """
    url = _parse(address)
    if url is None:
        raise InvalidProviderMetadata(f"{name} is not the URL of an endpoint")
    if url.scheme != "https" and not (is_loopback(issuer) and is_loopback(address)):
        raise InvalidProviderMetadata(f"{name} is not https")
    return address


def parse_resource(address: str) -> str:
    """Accept the address of a resource that tokens may be sent to (RFC 6750 5.3).

    Raises:
        ConfigurationError: not https (http on loopback aside), or it has user or fragment.
    """
    url = _parse(address)
    if url is None or (url.scheme != "https" and not is_loopback(address)):
        raise ConfigurationError("a resource must be https, or http on loopback")
    return address


def discovery_address(issuer: str) -> str:
    """Where the issuer publishes its metadata (OpenID Connect Discovery 4)."""
    return issuer.rstrip("/") + "/.well-known/openid-configuration"


def cancel_address(backchannel_authentication_endpoint: str) -> str:
    """Where requests are cancelled: below the endpoint that takes them; no metadata names it."""
    return _below(backchannel_authentication_endpoint, "cancel")


def receipt_address(backchannel_authentication_endpoint: str) -> str:
    """Where SCA receipts are had: likewise."""
    return _below(backchannel_authentication_endpoint, "receipt")


def events_address(backchannel_authentication_endpoint: str) -> str:
    """Where the provider tells what happened to a request: likewise."""
    return _below(backchannel_authentication_endpoint, "events")


def receipt_keys_address(issuer: str) -> str:
    """Where the issuer publishes the keys of its SCA receipts; no metadata names it either."""
    return issuer.rstrip("/") + "/sca-receipts/jwks"


def is_loopback(address: str) -> bool:
    """Whether an address stays on this computer."""
    url = httpx2.URL(address)
    try:
        return ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return url.host == "localhost"


def _below(endpoint: str, name: str) -> str:
    address, mark, query = endpoint.partition("?")
    return f"{address}/{name}{mark}{query}"


def _parse(address: str) -> httpx2.URL | None:
    try:
        url = httpx2.URL(address)
    except (httpx2.InvalidURL, ValueError):  # the latter of text that is no UTF-8
        return None
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo or "#" in address:
        return None
    return url
