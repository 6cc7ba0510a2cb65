"""Client certificates that a proxy in front forwards in headers (RFC 9440, or nginx's PEM)."""

from collections.abc import Collection
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from ciba_service.listening.peer import Peer, peer_of, scope_with_peer
from ciba_service.listening.refusals import MEDIA_TYPE, refusal_body
from ciba_service.protocol.client.certificates.headers import (
    InvalidCertificateHeaderError,
    parse_client_cert,
    parse_escaped_pem,
)
from ciba_service.protocol.client.certificates.proxies import TrustedProxies

__all__ = ["ProxyCertificates"]

_CLIENT_CERT: Final = b"client-cert"
_CHAIN: Final = b"client-cert-chain"
_BODY: Final = refusal_body(HTTPStatus.BAD_REQUEST)
_REFUSAL: Final = {
    "type": "http.response.start",
    "status": 400,
    "headers": [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"cache-control", b"no-store"),
        (b"content-length", b"%d" % len(_BODY)),
    ],
}


class ProxyCertificates:
    """ASGI middleware around everything that asks for ``peer_certificates``.

    For a request by a believed proxy the header alone counts, also when it is absent: the
    certificate of the proxy's own connection is not the client's. From everybody else's requests
    the headers are taken away. Without a proxy configured nobody is believed.
    """

    def __init__(
        self, app: ASGIApp, *, proxies: TrustedProxies, escaped_pem_header: str | None = None
    ) -> None:
        """``escaped_pem_header`` names what nginx sends; otherwise it is RFC 9440."""
        self._app = app
        self._proxies = proxies
        self._escaped_pem = escaped_pem_header.lower().encode() if escaped_pem_header else None
        self._names = frozenset({_CLIENT_CERT, _CHAIN, self._escaped_pem or _CLIENT_CERT})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve with the certificates of the client, whoever ended its TLS."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        try:
            clean = self._clean(scope)
        except InvalidCertificateHeaderError:
            await _refuse(scope, send)
            return
        await self._app(clean, receive, send)

    def _clean(self, scope: Scope) -> Scope:
        headers: Collection[tuple[bytes, bytes]] = scope["headers"]
        forwarded = [header for header in headers if header[0] in self._names]
        if self._believes(scope):
            peer = Peer(certificates=self._read(forwarded), tls_version=peer_of(scope).tls_version)
            scope = scope_with_peer(scope, peer)
        if not forwarded:
            return scope
        return {**scope, "headers": [header for header in headers if header[0] not in self._names]}

    def _believes(self, scope: Scope) -> bool:
        client = scope.get("client")
        if client is not None:
            return self._proxies.believes(client[0])
        return peer_of(scope).unix_socket and self._proxies.believes(None)

    def _read(self, forwarded: list[tuple[bytes, bytes]]) -> tuple[bytes, ...]:
        if self._escaped_pem is not None:
            return parse_escaped_pem(_values(forwarded, self._escaped_pem))
        return parse_client_cert(_values(forwarded, _CLIENT_CERT), _values(forwarded, _CHAIN))


def _values(headers: list[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for other, value in headers if other == name]


async def _refuse(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await send(_REFUSAL)
    await send({"type": "http.response.body", "body": _BODY})
