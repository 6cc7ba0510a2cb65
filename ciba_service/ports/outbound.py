"""The only way out for HTTP, and the keys that clients publish somewhere else."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from ciba_service.protocol.client.certificates.certificate import ClientCertificate
from ciba_service.protocol.client.certificates.self_signed import RegisteredCertificates
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.security_events.kinds import Address

__all__ = [
    "REFUSED_ADDRESSES",
    "ClientKeys",
    "ClientKeysUnavailable",
    "FailureReason",
    "Outbound",
    "OutboundFailure",
    "OutboundMethod",
    "OutboundRequest",
    "OutboundResponse",
]

_FETCH_SECONDS: Final = 5.0
_FETCH_BYTES: Final = 65_536
_REFUSAL_BYTES: Final = 8_192


class OutboundMethod(StrEnum):
    """What is ever sent."""

    GET = "GET"
    POST = "POST"


class FailureReason(StrEnum):
    """Why there is no answer."""

    REFUSED_URL = "refused_url"
    REFUSED_ADDRESS = "refused_address"
    UNRESOLVABLE = "unresolvable"
    CONNECT_FAILED = "connect_failed"
    TLS_FAILED = "tls_failed"
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    PROTOCOL_ERROR = "protocol_error"
    BUSY = "busy"  # by our own limits: nothing was sent


REFUSED_ADDRESSES: Final = {
    FailureReason.REFUSED_URL: Address.URL,
    FailureReason.REFUSED_ADDRESS: Address.PRIVATE,
}
"""Failures of a guard rather than of the other side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundRequest:
    """One request: ``deadline`` is in seconds, from when there is a place for it to the last byte.

    A place is waited for half as long at most.

    ``headers`` are those beyond the ones named here.

    ``maximum_body`` is in bytes of the answer; with None its body is ignored.
    """

    method: OutboundMethod
    url: str = field(repr=False)
    deadline: float
    maximum_body: int | None
    accept: str | None = None
    content_type: str | None = None
    authorization: str | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    @classmethod
    def fetch(cls, url: str, *, accept: str) -> "OutboundRequest":
        """Ask for a small document."""
        return cls(
            method=OutboundMethod.GET,
            url=url,
            accept=accept,
            deadline=_FETCH_SECONDS,
            maximum_body=_FETCH_BYTES,
        )

    @classmethod
    def notify(
        cls, url: str, *, authorization: str, body: bytes, deadline: float
    ) -> "OutboundRequest":
        """Send JSON to a client's notification endpoint (CIBA 10.2, 10.3)."""
        return cls(
            method=OutboundMethod.POST,
            url=url,
            authorization=authorization,
            content_type="application/json",
            body=body,
            deadline=deadline,
            maximum_body=None,
        )

    @classmethod
    def push_set(
        cls, url: str, *, authorization: str | None, body: bytes, deadline: float
    ) -> "OutboundRequest":
        """Push a security event token; what is wrong with it is told in the body (RFC 8935 2)."""
        return cls(
            method=OutboundMethod.POST,
            url=url,
            authorization=authorization,
            accept="application/json",
            content_type="application/secevent+jwt",
            body=body,
            deadline=deadline,
            maximum_body=_REFUSAL_BYTES,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundResponse:
    """An answer, redirects included: they are never followed; an ignored body is empty."""

    status: int
    content_type: str | None = None
    cache_control: str | None = None
    retry_after: str | None = None
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class OutboundFailure:
    """No answer; ``detail`` may be logged: it has neither secrets nor any part of the URL's query.

    A request that failed may still have arrived.
    """

    reason: FailureReason
    detail: str


class Outbound(Protocol):
    """Sends HTTP requests to addresses that clients registered."""

    async def send(self, request: OutboundRequest) -> OutboundResponse | OutboundFailure:
        """Send once, never again; raises nothing but cancellation."""
        ...


class ClientKeysUnavailable(Exception):
    """A client's key set cannot be had now; the text says why and has no secret."""


class ClientKeys(Protocol):
    """Key sets behind clients' ``jwks_uri`` (OpenID Connect Core 10.1.1)."""

    async def find_keys(
        self, client_id: str, jwks_uri: str, *, kid: str | None, alg: SignatureAlgorithm
    ) -> KeySet:
        """The keys, fetched anew when none of those known fits; maybe none of these does either.

        Raises:
            ClientKeysUnavailable: when there is no key set, not even an old one.
        """
        ...

    async def find_certificates(
        self, client_id: str, jwks_uri: str, *, presented: ClientCertificate
    ) -> RegisteredCertificates:
        """The certificates in ``x5c`` members likewise; raises ``ClientKeysUnavailable``."""
        ...
