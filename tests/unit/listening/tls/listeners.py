"""The ordinary and the mTLS listener in a thread with an event loop of its own, and its peers."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.types import Receive, Scope, Send

from ciba_service.listening.bounded_http import HttpBounds, http_within
from ciba_service.listening.listeners import Listener, ListeningServer
from ciba_service.listening.peer import http_with_peer, peer_of
from ciba_service.listening.tls.client_certificates import ClientCertificateContext
from ciba_service.listening.tls.identity import ServerIdentity
from ciba_service.listening.tls.offer import TlsOffer
from ciba_service.listening.tls.ordinary import OrdinaryContext
from tests.unit.protocol.client.certificates.authority import (
    CA,
    Authority,
    Key,
    alternative,
    common_name,
    issue,
    key,
)

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
ALWAYS = (-3_650, 36_500)
HOST = "localhost"
PATIENCE = 10


async def report(scope: Scope, receive: Receive, send: Send) -> None:
    """Say what is known of the peer; echo bodies and messages; count lifespans."""
    match scope["type"]:
        case "lifespan":
            await _live(scope, receive, send)
        case "websocket":
            await _echo_messages(scope, receive, send)
        case _:
            await _echo_body(scope, receive, send)


def facts(scope: Scope) -> bytes:
    """What the application knows of the peer."""
    peer = peer_of(scope)
    return json.dumps(
        {
            "certificates": [certificate.hex() for certificate in peer.certificates],
            "version": peer.tls_version,
            "unix": peer.unix_socket,
            "scheme": scope["scheme"],
            "headers": [name.decode() for name, _ in scope["headers"]],
            "lifespans": scope["state"].get("lifespans"),
        }
    ).encode()


async def _live(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    scope["state"]["lifespans"] = scope["state"].get("lifespans", 0) + 1
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _echo_body(scope: Scope, receive: Receive, send: Send) -> None:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    answer = bytes(body) or facts(scope)
    headers = [(b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def _echo_messages(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": facts(scope).decode()})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "bytes": message.get("bytes") or b""})


def write_pem(directory: Path, name: str, certificates: Sequence[x509.Certificate], own: Key):
    """Write a chain and its key; returns the two files."""
    certificate_file, key_file = directory / f"{name}.pem", directory / f"{name}.key"
    certificate_file.write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in certificates))
    key_file.write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate_file, key_file


@cache
def authority(text: str = "servers") -> Authority:
    """Who signed the servers' certificates; ``text`` names another."""
    name, own = common_name(text), key(owner=text)
    made = issue(name, own, issuer=name, signing_key=own, extensions=[CA], days=ALWAYS)
    return Authority(name, own, made)


@cache
def intermediate() -> Authority:
    """Its intermediate."""
    name, own = common_name("intermediate"), key(owner="intermediate")
    made = authority().issue(name, own, extensions=[CA], days=ALWAYS)
    return Authority(name, own, made)


def server_files(directory: Path, kind: str = "RSA-2048") -> tuple[Path, Path]:
    """The files of a server's certificate chain and of its key."""
    own = key(kind, "server")
    names = alternative(x509.DNSName(HOST))
    certificate = intermediate().issue(HOST, own, extensions=[names], days=ALWAYS)
    return write_pem(directory, f"server-{kind}", [certificate, intermediate().certificate], own)


def offer(directory: Path, *, tls_1_2: bool = True) -> TlsOffer:
    """What most listeners here speak."""
    return TlsOffer(ServerIdentity.load(*server_files(directory)), tls_1_2=tls_1_2)


@dataclass
class Listening:
    """Both listeners, and one of TLS 1.3 only, while they run."""

    directory: Path
    loop_factory: Callable[[], asyncio.AbstractEventLoop]
    ports: dict[str, int] = field(default_factory=dict)
    defects: list[dict[str, Any]] = field(default_factory=list)
    server: ListeningServer | None = None

    async def serve(self, started: threading.Event) -> None:
        """Serve until told to stop."""
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: self.defects.append(context)
        )
        both, newest = offer(self.directory), offer(self.directory, tls_1_2=False)
        contexts = {
            "ordinary": OrdinaryContext.create(both),
            "mtls": ClientCertificateContext.create(both),
            "ordinary-1.3": OrdinaryContext.create(newest),
            "mtls-1.3": ClientCertificateContext.create(newest),
            "plain": None,
        }
        config = uvicorn.Config(
            report,  # type: ignore[arg-type] # any ASGI application
            http=http_with_peer(http_within(HttpBounds())),
            ws="websockets-sansio",
            log_config=None,
            lifespan="on",
            timeout_graceful_shutdown=2,
        )
        listeners = []
        for name, context in contexts.items():
            listener = Listener(socket.create_server(("127.0.0.1", 0)), context)
            self.ports[name] = listener.socket.getsockname()[1]
            listeners.append(listener)
        self.server = ListeningServer(config, listeners)
        startup = self.server.startup

        async def telling_startup(sockets: list[socket.socket] | None = None) -> None:
            await startup(sockets)
            started.set()

        self.server.startup = telling_startup  # type: ignore[method-assign]
        await self.server.serve()

    def stop(self) -> None:
        """Tell it to stop."""
        assert self.server is not None
        self.server.should_exit = True


@contextmanager
def running(
    directory: Path, loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> Iterator[Listening]:
    """Run the listeners in a thread."""
    listening, started = Listening(directory, loop_factory), threading.Event()

    def run() -> None:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(listening.serve(started))

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(PATIENCE)
    try:
        yield listening
    finally:
        listening.stop()
        thread.join(PATIENCE)
    assert not thread.is_alive()
    assert listening.defects == []
