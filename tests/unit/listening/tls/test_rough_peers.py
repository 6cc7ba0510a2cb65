"""Peers that are slow, rude, wrong or gone: each ends in bounded time and disturbs nobody."""

import gc
import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ciba_service.listening.tls.connection import ClientCertificateConnection
from tests.unit.listening.tls.listeners import HOST, LOOPS, Listening, running
from tests.unit.listening.tls.peers import (
    TLS_1_2,
    TLS_1_3,
    Peers,
    Shown,
    alert,
    ended,
    request,
)
from tests.unit.protocol.client.certificates.authority import Authority, key, self_signed

BOTH = pytest.mark.parametrize("name", ["ordinary", "mtls"])
VERSIONS = pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
LARGE = bytes(range(256)) * 20_000
FATAL, UNEXPECTED_MESSAGE, RECORD_OVERFLOW, DECODE_ERROR = 2, 10, 22, 50


class Tunnel:
    """A client whose TLS goes through our hands, so that we may cut and change its bytes."""

    def __init__(self, peers: Peers, name: str, context: ssl.SSLContext) -> None:
        self.bare = peers.bare(name)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=HOST)

    def pieces(self, size: int) -> Iterator[bytes]:
        """What the client wants to send, in pieces."""
        data = self.outgoing.read()
        return (data[start : start + size] for start in range(0, len(data), size))

    def send(self, size: int) -> None:
        """Send it, a piece at a time."""
        for piece in self.pieces(size):
            self.bare.sendall(piece)

    def run(self, operation: Callable[[], Any], size: int = 65_536) -> Any:
        """Finish an operation of the client."""
        while True:
            try:
                result = operation()
            except ssl.SSLWantReadError:
                self.send(size)
                data = self.bare.recv(65_536)
                if not data:
                    raise EOFError from None
                self.incoming.write(data)
            else:
                self.send(size)
                return result

    def read_until(self, end: bytes) -> bytes:
        """Read until what was read ends so."""
        data = b""
        while not data.endswith(end):
            data += self.run(lambda: self.tls.read(65_536))
        return data


@pytest.fixture(params=["ordinary", "mtls"])
def tunnel(peers: Peers, request: pytest.FixtureRequest) -> Tunnel:
    """A tunnel to either listener."""
    client = Shown((self_signed(),), key(owner="client"))
    tunnel = Tunnel(peers, request.param, peers.context(client))
    tunnel.bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return tunnel


@BOTH
@VERSIONS
def test_large_bodies_go_both_ways(peers: Peers, name: str, version: ssl.TLSVersion):
    """Five megabytes up and down again, twice on one connection, byte for byte."""
    connection = peers.connect(name, context=peers.context(version=version))
    for _ in range(2):
        assert connection.ask(LARGE) == LARGE


def test_bytes_may_come_one_at_a_time(tunnel: Tunnel):
    """A handshake and a request cut into single bytes are still understood."""
    tunnel.run(tunnel.tls.do_handshake, size=1)
    tunnel.run(lambda: tunnel.tls.write(request(b"slow")), size=1)
    assert tunnel.read_until(b"slow").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("size", [3, 5, 7, 1_000, 16_384 + 22])
def test_records_may_be_cut_anywhere(tunnel: Tunnel, size: int):
    """Pieces that end within headers, bodies or exactly between records are all the same."""
    tunnel.run(tunnel.tls.do_handshake, size=size)
    body = LARGE[:40_000]
    for start in range(0, len(request(body)), 16_384):
        tunnel.tls.write(request(body)[start : start + 16_384])
    tunnel.send(size)
    assert tunnel.read_until(body).startswith(b"HTTP/1.1 200")


def test_many_small_records_are_one_request(tunnel: Tunnel):
    """Two thousand records of one byte, sent at once."""
    tunnel.run(tunnel.tls.do_handshake)
    body = LARGE[:2_000]
    for byte in request(body):
        tunnel.tls.write(bytes([byte]))
    tunnel.send(1_000_000)
    assert tunnel.read_until(body).startswith(b"HTTP/1.1 200")


def test_a_request_may_come_with_the_end_of_the_handshake(tunnel: Tunnel):
    """The client's last word of the handshake and its request are one packet."""
    while True:
        try:
            tunnel.tls.do_handshake()
        except ssl.SSLWantReadError:
            tunnel.send(65_536)
            tunnel.incoming.write(tunnel.bare.recv(65_536))
        else:
            break
    tunnel.tls.write(request(b"early"))
    tunnel.send(65_536)
    assert tunnel.read_until(b"early").startswith(b"HTTP/1.1 200")


@BOTH
@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: service\r\n\r\n",
        b"\x16\x03\x01\x00\x05hello",
        b"\x16\x03\x01\xff\xff" + bytes(65_535),
        b"\x17\x03\x03\x00\x10" + bytes(16),
        b"\x16\x03\x01\x00\x00" * 100,
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x80\x2e\x01\x03\x01" + bytes(43),
        bytes(1_000),
        b"\xff" * 1_000,
    ],
    ids=lambda garbage: f"{garbage[:5].hex()}",
)
def test_garbage_instead_of_a_handshake_ends_the_connection(
    peers: Peers, name: str, garbage: bytes
):
    """Whatever it is, the next word ends it at the latest; others are served as ever."""
    connection = peers.bare(name)
    with suppress(OSError):
        connection.sendall(garbage)
        connection.sendall(b"\0" * 5)
        connection.shutdown(socket.SHUT_WR)
    assert ended(connection)
    assert peers.connect(name).ask(b"well") == b"well"


@BOTH
@pytest.mark.parametrize(
    ("record", "description"),
    [
        (b"\x16\x03\x01\xff\xff", RECORD_OVERFLOW),
        (b"\x17\x03\x03\x00\x10" + bytes(16), UNEXPECTED_MESSAGE),
        (b"\x16\x03\x01\x00\x04\x01\x00\x00\x00", DECODE_ERROR),
    ],
)
def test_a_wrong_record_is_answered_with_its_alert(
    peers: Peers, name: str, record: bytes, description: int
):
    """The alert comes at once, not when more is said (RFC 8446 6.2)."""
    connection = peers.bare(name)
    connection.sendall(record)
    assert alert(connection) == (FATAL, description)


def test_garbage_after_the_handshake_ends_the_connection(tunnel: Tunnel, peers: Peers):
    """A record that was not sealed by the client, or is too long, is the last."""
    tunnel.run(tunnel.tls.do_handshake)
    tunnel.bare.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
    assert ended(tunnel.bare)
    for name in ("ordinary", "mtls"):
        assert peers.connect(name).ask(b"well") == b"well"


def test_a_changed_record_ends_the_connection(tunnel: Tunnel):
    """One bit in the middle of a request."""
    tunnel.run(tunnel.tls.do_handshake)
    tunnel.tls.write(request(b"changed"))
    data = bytearray(tunnel.outgoing.read())
    data[-20] ^= 1
    tunnel.bare.sendall(data)
    assert ended(tunnel.bare)


@pytest.mark.parametrize("part", [1, 4, 5, 6, 100])
def test_a_handshake_may_break_off(tunnel: Tunnel, peers: Peers, part: int):
    """The client goes in the middle of its first word."""
    with suppress(ssl.SSLWantReadError):
        tunnel.tls.do_handshake()
    tunnel.bare.sendall(tunnel.outgoing.read()[:part])
    tunnel.bare.shutdown(socket.SHUT_WR)
    assert ended(tunnel.bare)
    assert peers.connect("mtls").certificates() == []


def test_a_half_closed_connection_ends(tunnel: Tunnel):
    """An end without close_notify, in the middle of a request, frees the connection."""
    tunnel.run(tunnel.tls.do_handshake)
    tunnel.run(lambda: tunnel.tls.write(request(b"whole")[:-2]))
    tunnel.bare.shutdown(socket.SHUT_WR)
    assert ended(tunnel.bare)


@BOTH
@VERSIONS
def test_close_notify_is_answered(peers: Peers, name: str, version: ssl.TLSVersion):
    """Both sides end in order, also when the client is first (RFC 8446 6.1)."""
    connection = peers.connect(name, context=peers.context(version=version))
    assert connection.ask(b"last") == b"last"
    bare = connection.socket.unwrap()
    assert bare.recv(1) == b""


@BOTH
@VERSIONS
def test_the_server_says_close_notify(peers: Peers, name: str, version: ssl.TLSVersion):
    """A client that asked for the end of the connection is not left to guess (RFC 8446 6.1)."""
    context = peers.context(version=version)
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    connection = peers.connect(name, context=context)
    connection.socket.suppress_ragged_eofs = False
    connection.send(request(b"bye").replace(b"Host", b"Connection: close\r\nHost"))
    assert connection.answer() == b"bye"
    assert connection.socket.recv(1) == b""


def test_a_wrong_chain_disturbs_no_other_connection(peers: Peers):
    """What OpenSSL notes about one client's signatures is not taken for an error of another's."""
    ours, theirs = Authority.root("same name"), Authority.root("same name", owner="impostor")
    client = Shown((ours.issue(), theirs.certificate), key(owner="client"))
    steady = [peers.connect(name) for name in ("ordinary", "mtls")]
    for _ in range(3):
        assert len(peers.connect("mtls", client).certificates()) == 2
        assert [connection.ask(b"steady") for connection in steady] == [b"steady"] * 2


def test_ended_connections_leave_nothing(peers: Peers):
    """However they end, their TLS is given back."""
    before = kept()
    names = itertools.cycle(["good", "gone", "rude"])
    for _, how in zip(range(30), names, strict=False):
        bare = peers.bare("mtls")
        if how == "good":
            with peers.context().wrap_socket(bare, server_hostname=HOST) as tls:
                tls.sendall(request(b"x").replace(b"Host", b"Connection: close\r\nHost"))
                assert ended(tls)
        elif how == "rude":
            bare.sendall(b"\x16\x03\x01\xff\xff")
            assert alert(bare) == (FATAL, RECORD_OVERFLOW)
        bare.close()
    deadline = threading.Event()
    while kept() > before:
        assert not deadline.wait(0.01)


def kept() -> int:
    """How many connections of the mTLS listener are in memory."""
    gc.collect()
    return sum(isinstance(thing, ClientCertificateConnection) for thing in gc.get_objects())


@contextmanager
def own_listeners(directory: Path, loop: str) -> Iterator[Listening]:
    """Listeners that may be stopped."""
    with running(directory, LOOPS[loop]) as listening:
        yield listening


@pytest.mark.parametrize("loop", sorted(LOOPS))
def test_all_listeners_stop_together(directory: Path, loop: str):
    """Idle connections are told, and nothing listens any more."""
    with own_listeners(directory, loop) as listening, Peers(directory, listening.ports) as peers:
        names = [name for name in listening.ports if name != "plain"]
        connections = [peers.connect(name) for name in names]
        assert [connection.ask(b"x") for connection in connections] == [b"x"] * len(names)
        listening.stop()
        assert all(connection.is_ended() for connection in connections)
    for port in listening.ports.values():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1)
