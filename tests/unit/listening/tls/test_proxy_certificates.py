"""Forwarded certificates: believed from configured peers alone, taken from everybody else's."""

import asyncio
import json
import socket
import struct
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import uvicorn
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.types import Message, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ciba_service.listening.listeners import Listener, ListeningServer
from ciba_service.listening.peer import Peer, http_with_peer, peer_certificates, scope_with_peer
from ciba_service.listening.proxy_certificates import ProxyCertificates
from ciba_service.protocol.client.certificates.proxies import TrustedProxies
from tests.unit.listening.tls.listeners import LOOPS, report
from tests.unit.listening.tls.peers import request
from tests.unit.protocol.client.certificates.authority import der, self_signed

CLIENT, ISSUER, OTHER = (self_signed(name) for name in ("client", "issuer", "other"))
PROXIES = TrustedProxies.parse(["10.1.0.0/16"])
PROXY, STRANGER = ("10.1.2.3", 4000), ("192.0.2.1", 4000)
NGINX = "X-Client-Certificate"
Headers = list[tuple[bytes, bytes]]


def sequence(certificate: Any) -> bytes:
    """A byte sequence of RFC 9651."""
    return b":" + b64encode(der(certificate)) + b":"


RFC_9440: Headers = [(b"client-cert", sequence(CLIENT)), (b"client-cert-chain", sequence(ISSUER))]
ESCAPED: Headers = [
    (b"x-client-certificate", quote(CLIENT.public_bytes(Encoding.PEM), safe="").encode())
]
HOST: Headers = [(b"host", b"service")]


async def served(
    headers: Headers,
    client: tuple[str, int] | None,
    *,
    own: tuple[bytes, ...] = (),
    kind: str = "http",
    proxies: TrustedProxies = PROXIES,
    escaped: str | None = None,
) -> tuple[Scope | None, list[Message]]:
    """The scope that the application gets, if it gets one, and what was answered."""
    seen: list[Scope] = []
    sent: list[Message] = []

    async def app(scope: Scope, _receive: object, _send: object) -> None:
        seen.append(scope)

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope = scope_with_peer(
        {"type": kind, "headers": headers, "client": client, "state": {"other": 1}}, Peer(own)
    )
    middleware = ProxyCertificates(app, proxies=proxies, escaped_pem_header=escaped)
    await middleware(scope, receive, send)
    return (seen[0] if seen else None), sent


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("headers", "escaped", "expected"),
    [
        (RFC_9440, None, [CLIENT, ISSUER]),
        (RFC_9440[:1], None, [CLIENT]),
        (ESCAPED, NGINX, [CLIENT]),
        ([], None, []),
        ([], NGINX, []),
        ([(b"x-client-certificate", b"")], NGINX, []),
    ],
)
@pytest.mark.clause("rfc8705-6.5-1")
async def test_a_believed_proxy_speaks_for_its_client(
    headers: Headers, escaped: str | None, expected: list[Any], kind: str
):
    """Its header is the client's certificate; its own certificate never is."""
    scope, _ = await served(HOST + headers, PROXY, own=(der(OTHER),), kind=kind, escaped=escaped)
    assert scope is not None
    assert peer_certificates(scope) == tuple(map(der, expected))
    assert scope["headers"] == HOST
    assert scope["state"]["other"] == 1


@pytest.mark.parametrize("client", [STRANGER, ("", 0), ("unix", 0), None])
@pytest.mark.parametrize("escaped", [None, NGINX])
@pytest.mark.clause("rfc9700-4.13-1", "rfc8705-6.5-1")
async def test_everybody_elses_headers_are_taken_away(
    client: tuple[str, int] | None, escaped: str | None
):
    """A stranger who writes such headers has the certificate of the own connection, or none."""
    headers = HOST + RFC_9440 + (ESCAPED if escaped else [])
    proxies = TrustedProxies.parse(["10.1.0.0/16", "unix"])
    for own in ((), (der(OTHER),)):
        scope, _ = await served(headers, client, own=own, escaped=escaped, proxies=proxies)
        assert scope is not None
        assert peer_certificates(scope) == own
        assert scope["headers"] == HOST


async def test_without_proxies_nobody_is_believed():
    """The middleware stands there in every configuration."""
    scope, _ = await served(RFC_9440, PROXY, proxies=TrustedProxies())
    assert scope is not None
    assert peer_certificates(scope) == ()
    assert scope["headers"] == []


async def test_with_one_form_configured_the_other_is_taken_away():
    """A proxy that sends nginx's header does not vouch for Client-Cert that passes through it."""
    scope, _ = await served(HOST + RFC_9440, PROXY, escaped=NGINX)
    assert scope is not None
    assert peer_certificates(scope) == ()
    assert scope["headers"] == HOST


@pytest.mark.parametrize(
    "headers",
    [
        RFC_9440[:1] * 2,
        RFC_9440[1:],
        [(b"client-cert", b"nonsense")],
        [(b"client-cert", b":" + b"A" * 100_000 + b":")],
    ],
)
async def test_a_malformed_header_of_a_proxy_is_refused(headers: Headers):
    """It might be read differently elsewhere: nothing is guessed, and the answer is JSON."""
    scope, sent = await served(headers, PROXY)
    assert scope is None
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 400
    assert (b"content-type", b"application/json") in sent[0]["headers"]
    assert json.loads(sent[1]["body"])["error"] == "invalid_request"
    scope, sent = await served(headers, PROXY, kind="websocket")
    assert scope is None
    assert sent == [{"type": "websocket.close", "code": 1008}]


async def test_the_lifespan_passes():
    """It has no headers."""
    scope, _ = await served([], None, kind="lifespan")
    assert scope is not None


async def proxied_facts(
    listener: socket.socket, connect: Callable[[], socket.socket]
) -> tuple[dict[str, Any], ...]:
    """What the application knows of a request with Client-Cert over a real socket."""
    seen: list[Scope] = []
    noticed = asyncio.Event()

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.append(scope)
            noticed.set()
        await report(scope, receive, send)

    proxies = TrustedProxies.parse(["unix"])
    config = uvicorn.Config(
        ProxyCertificates(app, proxies=proxies),  # type: ignore[arg-type]
        http=http_with_peer(HttpToolsProtocol),
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = ListeningServer(config, [Listener(listener)])
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    connection = connect()
    connection.sendall(
        request().replace(b"Host", b"Client-Cert: " + sequence(CLIENT) + b"\r\nHost")
    )
    if connection.family == socket.AF_INET:
        # An abrupt end: the kernel forgets the address, and what was sent can still be read.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    await noticed.wait()
    connection.close()
    await server.shutdown()
    return tuple({"certificates": peer_certificates(s), "client": s["client"]} for s in seen)


@pytest.mark.parametrize("loop", sorted(LOOPS))
@pytest.mark.clause("rfc8705-6.5-1")
def test_a_proxy_on_a_unix_socket_is_believed(tmp_path: Path, loop: str):
    """Whoever may open the socket is on this machine and permitted to."""
    path = str(tmp_path / "socket")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)

    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        return connection

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        [facts] = runner.run(proxied_facts(listener, connect))
    assert facts == {"certificates": (der(CLIENT),), "client": None}


@pytest.mark.parametrize("loop", sorted(LOOPS))
@pytest.mark.clause("rfc9700-4.13-1")
def test_a_peer_whose_address_is_gone_is_no_unix_socket(loop: str):
    """A stranger resets the connection before it is accepted: there is no address to be seen."""
    listener = socket.create_server(("127.0.0.1", 0))

    def connect() -> socket.socket:
        return socket.create_connection(listener.getsockname(), timeout=5)

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        [facts] = runner.run(proxied_facts(listener, connect))
    assert facts == {"certificates": (), "client": None}
