"""What the application learns of the connection behind a request: TLS, certificates, its kind."""

import asyncio
import socket
import ssl
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = [
    "Peer",
    "forward_address",
    "http_with_peer",
    "peer_address",
    "peer_certificates",
    "peer_of",
    "scope_with_peer",
]

_STATE: Final = "ciba_service.peer"
_FORWARDED: Final = "ciba_service.address"


@dataclass(frozen=True, slots=True)
class Peer:
    """The other side of a connection.

    ``certificates`` are DER, its own first, empty when there is none; nothing about them is
    checked but that it holds the key (RFC 8705 3). ``tls_version`` is ``None`` without TLS.
    """

    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    tls_version: str | None = None
    unix_socket: bool = False


_UNKNOWN: Final = Peer()


@runtime_checkable
class _ShowsCertificates(Protocol):
    """A TLS connection whose peer was asked for a certificate (``tls.connection``)."""

    def peer_certificates(self) -> tuple[bytes, ...]:
        """DER, its own first; empty for none."""
        ...


def peer_of(scope: Mapping[str, Any]) -> Peer:
    """The peer of an ASGI scope; of other servers than ours nothing is known."""
    peer = scope.get("state", {}).get(_STATE, _UNKNOWN)
    if not isinstance(peer, Peer):
        raise TypeError(f"{_STATE} is no Peer")
    return peer


def peer_address(scope: Mapping[str, Any]) -> str | None:
    """The address a request came from; None on a unix socket.

    Behind a proxy it is that of the proxy, unless it told another (``forward_address``).
    """
    told: str | None = scope.get(_FORWARDED)
    if told is not None:
        return told
    client = scope.get("client")
    return str(client[0]) if client else None


def forward_address(scope: MutableMapping[str, Any], address: str) -> None:
    """A proxy that is believed says that the request came from there."""
    scope[_FORWARDED] = address


def peer_certificates(scope: Mapping[str, Any]) -> tuple[bytes, ...]:
    """The certificates of the client of an ASGI scope: DER, its own first; empty for none."""
    return peer_of(scope).certificates


def scope_with_peer(scope: Mapping[str, Any], peer: Peer) -> dict[str, Any]:
    """A copy of an ASGI scope that knows ``peer``."""
    return {**scope, "state": {**scope.get("state", {}), _STATE: peer}}


class _PeerAware(HttpToolsProtocol):
    """Puts the peer where uvicorn takes the state of each HTTP request and WebSocket from."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Look at the connection once, when its handshake is done."""
        self.app_state = {**self.app_state, _STATE: _peer(transport)}
        super().connection_made(transport)


def http_with_peer(protocol: type[HttpToolsProtocol]) -> type[HttpToolsProtocol]:
    """The same HTTP protocol, whose requests and WebSockets know their peer."""
    return type(protocol.__name__, (_PeerAware, protocol), {})


def _peer(transport: asyncio.Transport) -> Peer:
    tls = transport.get_extra_info("ssl_object")
    # Not by the missing address: a peer that has reset its connection has none either.
    family = transport.get_extra_info("socket").family
    return Peer(
        certificates=tls.peer_certificates() if isinstance(tls, _ShowsCertificates) else (),
        tls_version=tls.version() if isinstance(tls, ssl.SSLObject) else None,
        unix_socket=family == socket.AF_UNIX,
    )
