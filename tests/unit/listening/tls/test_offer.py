"""Versions and suites of both listeners, as ``openssl s_client`` and bare sockets see them."""

import ssl
import struct

import pytest
from cryptography import x509

from tests.unit.listening.tls.listeners import Listening
from tests.unit.listening.tls.peers import TLS_1_2, Peers, alert, request

BOTH = pytest.mark.parametrize("name", ["ordinary", "mtls"])
ALL = pytest.mark.parametrize("name", ["ordinary", "mtls", "ordinary-1.3", "mtls-1.3"])
NEWEST = pytest.mark.parametrize("name", ["ordinary-1.3", "mtls-1.3"])
PROTOCOL_VERSION, HANDSHAKE_FAILURE, FATAL = 70, 40, 2
REFUSED_SUITES = (
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-RSA-AES128-SHA",
    "DHE-RSA-AES128-GCM-SHA256",
    "AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
)


def client_hello(version: int) -> bytes:
    """The first words of a client that knows nothing newer than ``version``."""
    suites = bytes.fromhex("c013c014002f0035c02fc030")
    body = struct.pack("!H", version) + bytes(32) + b"\0" + struct.pack("!H", len(suites)) + suites
    hello = b"\x01" + len(body + b"\1\0").to_bytes(3) + body + b"\1\0"
    return b"\x16\x03\x01" + struct.pack("!H", len(hello)) + hello


@ALL
@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0302])
@pytest.mark.clause("fapi-ciba-7.9-1", "fapi2-sp-5.2.1-2")
def test_an_old_version_is_refused_with_an_alert(peers: Peers, name: str, version: int):
    """TLS 1.0 and 1.1 get protocol_version, SSL 3 that or handshake_failure; no silent close."""
    connection = peers.bare(name)
    connection.sendall(client_hello(version))
    allowed = [PROTOCOL_VERSION, HANDSHAKE_FAILURE] if version == 0x0300 else [PROTOCOL_VERSION]
    assert alert(connection) in [(FATAL, description) for description in allowed]


@ALL
@pytest.mark.parametrize("option", ["-tls1", "-tls1_1"])
@pytest.mark.clause("fapi-ciba-7.9-1", "fapi2-sp-5.2.1-2")
def test_openssl_sees_the_alert_for_an_old_version(peers: Peers, name: str, option: str):
    """The refusal is the one that certification looks for."""
    said, status = peers.s_client(name, option, "-cipher", "ALL:@SECLEVEL=0")
    assert status == 1
    assert f"SSL alert number {PROTOCOL_VERSION}" in said


@NEWEST
def test_tls_1_2_is_refused_unless_it_is_switched_on(peers: Peers, name: str):
    """It gets protocol_version, too."""
    said, status = peers.s_client(name, "-tls1_2")
    assert status == 1
    assert f"SSL alert number {PROTOCOL_VERSION}" in said


@ALL
def test_tls_1_3_is_preferred(peers: Peers, name: str):
    """A client that knows both gets the newer one."""
    assert peers.connect(name).socket.version() == "TLSv1.3"
    assert "New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384" in peers.s_client(name)[0]


@BOTH
@pytest.mark.parametrize("suite", ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"])
@pytest.mark.clause("fapi-ciba-7.9-3", "fapi2-sp-5.2.2-1", "fapi2-sp-5.2.1-3")
def test_two_suites_are_offered_with_tls_1_2(peers: Peers, name: str, suite: str):
    """They are the two that FAPI permits and certification does not warn about."""
    said, status = peers.s_client(name, "-tls1_2", "-cipher", suite)
    assert status == 0
    assert f"New, TLSv1.2, Cipher is {suite}" in said
    assert "Compression: NONE" in said
    assert "Secure Renegotiation IS supported" in said


@BOTH
@pytest.mark.clause("fapi-ciba-7.9-3", "fapi-ciba-7.9-4", "fapi2-sp-5.2.2-1", "fapi2-sp-5.2.1-3")
def test_no_other_suite_is_taken_with_tls_1_2(peers: Peers, name: str):
    """Offered all others, each or together, the listener says handshake_failure."""
    everything = f"ALL:COMPLEMENTOFALL:!{':!'.join(TAKEN)}:@SECLEVEL=0"
    for suites in (everything, *REFUSED_SUITES):
        said, status = peers.s_client(name, "-tls1_2", "-cipher", suites)
        assert status == 1
        assert f"SSL alert number {HANDSHAKE_FAILURE}" in said


@ALL
@pytest.mark.parametrize("group", ["ffdhe4096", "ffdhe6144", "ffdhe8192"])
def test_large_finite_fields_are_refused(peers: Peers, name: str, group: str):
    """A stranger's hello would take a hundred times as long as usual to answer."""
    said, status = peers.s_client(name, "-tls1_3", "-groups", group)
    assert status == 1
    assert f"SSL alert number {HANDSHAKE_FAILURE}" in said


@ALL
def test_whoever_guesses_another_group_comes_again(peers: Peers, name: str):
    """Everybody knows P-256 (RFC 8446 9.1), and may say so first or second."""
    for groups in ("P-256", "X25519:P-256"):
        said, status = peers.s_client(name, "-tls1_3", "-groups", groups)
        assert status == 0
        assert "New, TLSv1.3" in said


TAKEN = ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384")


@BOTH
def test_the_whole_chain_of_the_server_is_sent(peers: Peers, name: str):
    """A client that trusts the root alone can verify the certificate of an intermediate."""
    der = peers.connect(name).socket.getpeercert(binary_form=True)
    assert der is not None
    assert x509.load_der_x509_certificate(der).issuer.rfc4514_string() == "CN=intermediate"


@BOTH
@pytest.mark.clause("fapi2-sp-5.2.1-3")
def test_renegotiation_is_refused(peers: Peers, name: str):
    """A client that begins again is told no; nothing is lost but its own connection."""
    said, _ = peers.s_client(name, "-tls1_2", script=[(b"R\n", b"no renegotiation")])
    assert "RENEGOTIATING" in said
    assert "no renegotiation" in said
    assert peers.connect(name).facts()["version"] == "TLSv1.3"


@BOTH
def test_keys_may_be_updated(peers: Peers, name: str):
    """A client may change its key, and ask for a change of the server's (RFC 8446 4.6.3)."""
    update = b"KEYUPDATE"
    asked = request(b"still here").replace(b"\r\n", b"\n")
    script = [(b"k\n", update), (b"K\n", update), (b"K\n", update), (asked, b"still here")]
    said, _ = peers.s_client(name, "-crlf", script=script)
    assert said.count(update.decode()) == 3
    assert "still here" in said


@pytest.mark.parametrize("version", list(ssl.TLSVersion)[-3:-1])
@pytest.mark.clause("fapi2-sp-5.2.1-3")
def test_the_ordinary_listener_gives_no_tickets(peers: Peers, version: ssl.TLSVersion):
    """A key of tickets that is never changed would undo forward secrecy (RFC 9325 3.4)."""
    context = peers.context(version=version)
    connection = peers.connect("ordinary", context=context)
    assert connection.ask(b"ticket?") == b"ticket?"
    assert connection.socket.session is None or not connection.socket.session.has_ticket


@NEWEST
def test_all_listeners_share_one_lifespan(peers: Peers, listening: Listening, name: str):
    """The application began once, however many sockets it is served on."""
    assert len(listening.ports) == 5
    assert peers.connect(name).facts()["lifespans"] == 1


@BOTH
def test_the_version_is_told_to_the_application(peers: Peers, name: str):
    """TLS 1.2 and 1.3 are told apart."""
    old = peers.connect(name, context=peers.context(version=TLS_1_2))
    assert old.facts()["version"] == "TLSv1.2"
    assert old.facts()["scheme"] == "https"
    assert peers.connect(name).facts()["version"] == "TLSv1.3"
