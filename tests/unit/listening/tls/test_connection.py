"""Our connection does what Python's own does, call for call: the event loops rely on all of it."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL

from ciba_service.listening.tls import client_certificates
from ciba_service.listening.tls.client_certificates import ClientCertificateContext
from ciba_service.listening.tls.identity import InvalidTlsError
from ciba_service.listening.tls.ordinary import OrdinaryContext
from tests.unit.listening.tls.listeners import HOST, offer
from tests.unit.listening.tls.peers import TLS_1_2, TLS_1_3, Peers, Shown
from tests.unit.protocol.client.certificates.authority import der, key, self_signed

CERTIFICATE = self_signed()


class Pair:
    """A server and a client in memory."""

    def __init__(self, server: ssl.SSLContext, client: ssl.SSLContext) -> None:
        self.to_server, self.to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server: Any = server.wrap_bio(self.to_server, self.to_client, server_side=True)
        self.client = client.wrap_bio(self.to_client, self.to_server, server_hostname=HOST)

    def shake_hands(self) -> None:
        """Let both finish."""
        for _ in range(4):
            for end in (self.client, self.server):
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    continue


@pytest.fixture(params=[TLS_1_2, TLS_1_3])
def client(request: pytest.FixtureRequest, directory: Path) -> ssl.SSLContext:
    """A client of either version with a certificate."""
    shown = Shown((CERTIFICATE,), key(owner="client"))
    return Peers(directory, {}).context(shown, request.param)


@pytest.fixture(params=[OrdinaryContext, ClientCertificateContext])
def new_pair(request: pytest.FixtureRequest, directory: Path, client: ssl.SSLContext) -> Pair:
    """Before the handshake, with Python's own server and with ours."""
    return Pair(request.param.create(offer(directory)), client)


@pytest.fixture
def pair(new_pair: Pair) -> Pair:
    """After the handshake."""
    new_pair.shake_hands()
    with pytest.raises(ssl.SSLWantReadError):
        new_pair.client.read(1)  # takes what tickets there are
    return new_pair


def test_a_read_gives_what_fits_and_keeps_the_rest(pair: Pair):
    """Into a buffer, with 0 as much as it holds, or without; ``pending`` counts what is left."""
    pair.client.write(b"0123456789")
    assert pair.server.read(4) == b"0123"
    assert pair.server.pending() == 6
    buffer = bytearray(8)
    assert pair.server.read(3, buffer) == 3
    assert pair.server.read(0, memoryview(buffer)[3:5]) == 2
    assert pair.server.read(8, memoryview(buffer)[5:]) == 1
    assert bytes(buffer) == b"456789\0\0"
    assert pair.server.pending() == 0
    assert pair.server.read(0) == b""
    with pytest.raises(ssl.SSLWantReadError):
        pair.server.read(1)
    with pytest.raises(ssl.SSLWantReadError):
        pair.server.read(8, buffer)


def test_what_nobody_reads_stays_in_the_buffer_of_the_loop(pair: Pair):
    """Reading the first of three records leaves two in sight: uvloop looks there."""
    for message in (b"one", b"two", b"three"):
        pair.client.write(message)
    before = pair.to_server.pending
    assert pair.server.read(100) == b"one"
    assert 0 < pair.to_server.pending < before
    assert [pair.server.read(100), pair.server.read(100)] == [b"two", b"three"]
    assert pair.to_server.pending == 0


def test_what_is_written_arrives(pair: Pair):
    """From any kind of buffer, however large."""
    for data in (b"bytes", bytearray(b"array"), memoryview(b"view"), b"x" * 50_000):
        view, rest = memoryview(data), len(data)
        while rest:
            rest -= pair.server.write(view[len(data) - rest :])
        received = b""
        while len(received) < len(data):
            received += pair.client.read(65_536)
        assert received == bytes(data)
    assert pair.server.write(b"") == 0


def test_close_notify_is_an_empty_read_and_then_an_error(pair: Pair):
    """It is an end as long as our side has not ended, too; then the connection is closed."""
    with pytest.raises(ssl.SSLWantReadError):
        pair.client.unwrap()
    assert pair.server.read(10) == b""
    assert pair.server.read(10, bytearray(10)) == 0
    pair.server.unwrap()
    with pytest.raises(ssl.SSLZeroReturnError):
        pair.server.read(10)
    with pytest.raises(ssl.SSLError):
        pair.server.write(b"late")
    pair.client.unwrap()


def test_unwrap_waits_for_the_other_side(pair: Pair):
    """The server's end is sent at once and done when the client's has come."""
    with pytest.raises(ssl.SSLWantReadError):
        pair.server.unwrap()
    assert pair.client.read(10) == b""
    pair.client.unwrap()
    pair.server.unwrap()


def test_a_buffer_that_has_ended_is_an_error(pair: Pair):
    """An end without close_notify is an end that somebody else may have made."""
    pair.client.write(b"last")
    pair.to_server.write_eof()
    assert pair.server.read(10) == b"last"
    with pytest.raises(ssl.SSLError) as ending:
        pair.server.read(10)
    assert not isinstance(ending.value, ssl.SSLWantReadError)


def test_a_foreign_record_is_an_error(pair: Pair):
    """Not one that asks to be tried again."""
    pair.to_server.write(b"\x17\x03\x03\x00\x20" + bytes(32))
    with pytest.raises(ssl.SSLError) as failure:
        pair.server.read(10)
    assert not isinstance(failure.value, (ssl.SSLWantReadError, ssl.SSLSyscallError))


def test_a_refused_handshake_stays_refused(new_pair: Pair):
    """First its alert is to be sent; then every further try is the error."""
    new_pair.to_server.write(b"\x16\x03\x01\xff\xff")
    with pytest.raises(ssl.SSLWantReadError):
        new_pair.server.do_handshake()
    assert new_pair.to_client.read()[:1] == b"\x15"
    for _ in range(2):
        with pytest.raises(ssl.SSLError) as failure:
            new_pair.server.do_handshake()
        assert not isinstance(failure.value, ssl.SSLWantReadError)


def test_a_handshake_that_fails_without_an_alert_ends_at_once(new_pair: Pair):
    """OpenSSL has none for plain HTTP: nobody waits until it would have been sent."""
    new_pair.to_server.write(b"GET / HTTP/1.1\r\nHost: service\r\n\r\n")
    with pytest.raises(ssl.SSLError) as failure:
        new_pair.server.do_handshake()
    assert not isinstance(failure.value, ssl.SSLWantReadError)
    assert not new_pair.to_client.pending


def test_the_suite_is_known_after_the_handshake(new_pair: Pair):
    """Name, version and bits are those that the client sees."""
    assert new_pair.server.cipher() is None
    new_pair.shake_hands()
    assert new_pair.server.cipher() is not None
    assert new_pair.client.cipher() is not None
    assert new_pair.server.cipher()[0] == new_pair.client.cipher()[0]
    assert new_pair.server.cipher()[2] == new_pair.client.cipher()[2]
    assert new_pair.server.version() == new_pair.client.version()
    assert new_pair.server.compression() is None
    assert new_pair.server.selected_alpn_protocol() is None


def test_the_certificate_is_shown_as_unverified(directory: Path, client: ssl.SSLContext):
    """As DER when asked for; a reading of it would look like a verified one."""
    pair = Pair(ClientCertificateContext.create(offer(directory)), client)
    assert pair.server.getpeercert(binary_form=True) is None
    pair.shake_hands()
    assert pair.server.getpeercert() == {}
    assert pair.server.getpeercert(binary_form=True) == der(CERTIFICATE)


def test_what_openssl_refuses_at_the_start_is_named(
    directory: Path, monkeypatch: pytest.MonkeyPatch
):
    """An OpenSSL without our suites does not listen with others."""
    monkeypatch.setattr(client_certificates, "TLS_1_2_SUITES", "NO-SUCH-SUITE")
    with pytest.raises(InvalidTlsError, match="TLS cannot be offered with") as failure:
        ClientCertificateContext.create(offer(directory))
    assert isinstance(failure.value.__cause__, SSL.Error)
