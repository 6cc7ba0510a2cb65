"""Waking a phone by Web Push: what it may register, and what its push service is told.

RFC 8030 (the request), RFC 8291 (who can read it), RFC 8292 (who sends it).
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ciba_service.protocol.jose.encoding import base64url, parse_base64url
from ciba_service.protocol.outbound.url import InvalidUrlError, OutboundUrl, parse_outbound_url
from ciba_service.protocol.push_encryption import push_key
from ciba_service.sca.messages import SetWakeUp, WakeUpRefusal

__all__ = [
    "PushAddress",
    "PushPolicy",
    "UnfitAddress",
    "VapidClaims",
    "is_host_pattern",
    "parse_push_address",
    "push_topic",
    "vapid_claims",
]

_VAPID_SECONDS: Final = 3_600  # RFC 8292 2: a day at most
_TOPIC_BYTES: Final = 24  # RFC 8030 5.4: 32 characters at most
_ANY: Final = "*."


class UnfitAddress(Exception):
    """The service would not push there."""

    def __init__(self, reason: WakeUpRefusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PushAddress:
    """A push subscription that was found fit: who knows all of it can wake the phone."""

    endpoint: str = field(repr=False)
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PushPolicy:
    """Which push services are asked: host names, or ``*.`` and a domain for all below it."""

    hosts: tuple[str, ...]
    allow_loopback_http: bool = False

    def permits(self, url: OutboundUrl) -> bool:
        """Whether a phone may name this address."""
        if url.scheme == "http":
            return self.allow_loopback_http and url.names_loopback
        return any(_is_below(url.host, host) for host in self.hosts)


class VapidClaims(msgspec.Struct, frozen=True):
    """Payload of the JWT that says who pushes (RFC 8292 2); ``exp`` is in seconds."""

    aud: str
    exp: int
    sub: str


def is_host_pattern(text: str) -> bool:
    """Whether the text can stand among ``PushPolicy.hosts``."""
    host = text.removeprefix(_ANY)
    try:
        url = parse_outbound_url(f"https://{host}")
    except InvalidUrlError:
        return False
    return url.host == host and url.authority == host


def parse_push_address(message: SetWakeUp, policy: PushPolicy) -> PushAddress:
    """The address that a phone wants to be woken at; raises ``UnfitAddress``."""
    try:
        url = parse_outbound_url(message.endpoint)
    except InvalidUrlError as error:
        raise UnfitAddress(WakeUpRefusal.ENDPOINT) from error
    if not policy.permits(url):
        raise UnfitAddress(WakeUpRefusal.ENDPOINT)
    try:
        parse_base64url(message.auth)
        push_key(parse_base64url(message.p256dh))
    except ValueError as error:
        raise UnfitAddress(WakeUpRefusal.KEY) from error
    return PushAddress(message.endpoint, message.p256dh, message.auth)


def push_topic(device_id: str, transaction_id: str) -> str:
    """What a later push for the same prompt replaces (RFC 8030 5.4).

    A hash for each phone, so that no push service learns which phones belong together.
    """
    digest = hashlib.sha256(f"ciba-topic.v1\0{device_id}\0{transaction_id}".encode()).digest()
    return base64url(digest[:_TOPIC_BYTES])


def vapid_claims(endpoint: str, *, contact: str, now: int) -> VapidClaims:
    """Who pushes, for the push service of an address; ``now`` is in seconds."""
    url = parse_outbound_url(endpoint)
    return VapidClaims(f"{url.scheme}://{url.authority}", now + _VAPID_SECONDS, contact)


def _is_below(host: str, pattern: str) -> bool:
    if pattern.startswith(_ANY):
        return host.endswith(pattern.removeprefix("*"))
    return host == pattern
