"""Those who connect: Python's own TLS, bare sockets, and ``openssl s_client``."""

import json
import os
import socket
import ssl
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.unit.listening.tls.listeners import HOST, PATIENCE, authority, write_pem
from tests.unit.protocol.client.certificates.authority import Key

TLS_1_2 = ssl.TLSVersion.TLSv1_2
TLS_1_3 = ssl.TLSVersion.TLSv1_3
REQUEST = b"POST /token HTTP/1.1\r\nHost: service\r\nContent-Length: %d\r\n\r\n%b"


def request(body: bytes = b"") -> bytes:
    """A POST; without a body the listener tells what it knows."""
    return REQUEST % (len(body), body)


@dataclass(frozen=True)
class Shown:
    """A certificate, what goes with it, and the key of the first."""

    chain: Sequence[x509.Certificate]
    key: Key = field(repr=False)


@dataclass
class Peers:
    """Makes connections and remembers them."""

    directory: Path
    ports: dict[str, int]
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def bare(self, name: str) -> socket.socket:
        """A connection without TLS."""
        connection = socket.create_connection(("127.0.0.1", self.ports[name]), timeout=PATIENCE)
        return self._stack.enter_context(connection)

    def context(
        self, shown: Shown | None = None, version: ssl.TLSVersion | None = None
    ) -> ssl.SSLContext:
        """What a client speaks: it trusts the servers' authority and no other."""
        anchor = authority().certificate.public_bytes(Encoding.PEM).decode()
        context = ssl.create_default_context(cadata=anchor)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        if shown is not None:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.load_cert_chain(*write_pem(self.directory, "client", shown.chain, shown.key))
        return context

    def load(self, context: ssl.SSLContext, certificate: str, key: str) -> None:
        """Show a certificate that no library would make; both are PEM."""
        files = self.directory / "odd.pem", self.directory / "odd.key"
        files[0].write_text(certificate)
        files[1].write_text(key)
        context.load_cert_chain(*files)

    def connect(
        self,
        name: str,
        shown: Shown | None = None,
        *,
        context: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
    ) -> "Connection":
        """Connect with TLS."""
        wrapped = (context or self.context(shown)).wrap_socket(
            self.bare(name), server_hostname=HOST, session=session
        )
        return Connection(self._stack.enter_context(wrapped))

    def s_client(
        self, name: str, *arguments: str, script: Sequence[tuple[bytes, bytes]] = ()
    ) -> tuple[str, int]:
        """What ``openssl s_client`` says, and its exit status.

        A script is what is typed, and what must be said before the next is.
        """
        with subprocess.Popen(  # noqa: S603 - our own arguments
            ["openssl", "s_client", "-connect", f"{HOST}:{self.ports[name]}", *arguments],  # noqa: S607
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            heard = b""
            for typed, expected in script:
                process.stdin.write(typed)
                process.stdin.flush()
                after = len(heard)
                while expected not in heard[after:] and (part := os.read(_fd(process), 65_536)):
                    heard += part
            said, _ = process.communicate(timeout=PATIENCE)
        return (heard + said).decode(errors="replace"), process.returncode


@dataclass
class Connection:
    """A connection with TLS."""

    socket: ssl.SSLSocket
    _unread: bytes = b""

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def answer(self) -> bytes:
        """The body of one answer."""
        while b"\r\n\r\n" not in self._unread:
            self._receive()
        head, self._unread = self._unread.split(b"\r\n\r\n", 1)
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(self._unread) < length:
            self._receive()
        body, self._unread = self._unread[:length], self._unread[length:]
        return body

    def ask(self, body: bytes) -> bytes:
        """Send a body and take it back."""
        self.send(request(body))
        return self.answer()

    def facts(self) -> dict[str, Any]:
        """What the application knows of this peer."""
        return json.loads(self.ask(b""))

    def certificates(self) -> list[bytes]:
        """The certificates that the application sees."""
        return [bytes.fromhex(text) for text in self.facts()["certificates"]]

    def is_ended(self) -> bool:
        """Whether nothing more comes."""
        return ended(self.socket)

    def _receive(self) -> None:
        data = self.socket.recv(262_144)
        if not data:
            raise EOFError
        self._unread += data


def _fd(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    return process.stdout.fileno()


def ended(connection: socket.socket) -> bool:
    """Whether the server ends the connection; what it still says is read over."""
    with suppress(ConnectionResetError, ssl.SSLError):
        while connection.recv(65_536):
            pass
    return True


def alert(connection: socket.socket) -> tuple[int, int] | None:
    """Level and description of the alert that comes, unencrypted (RFC 8446 6); then the end."""
    record = b""
    with suppress(ConnectionResetError):
        while len(record) < 7 and (part := connection.recv(7 - len(record))):
            record += part
    return (record[5], record[6]) if record[:1] == b"\x15" else None
