"""The mTLS listener shows the application whatever certificate proves its key, or none."""

import hashlib
import json
import math
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.unit.listening.tls.listeners import HOST
from tests.unit.listening.tls.peers import TLS_1_2, TLS_1_3, Peers, Shown
from tests.unit.protocol.client.certificates.authority import (
    CA,
    Authority,
    Key,
    alternative,
    common_name,
    der,
    issue,
    key,
    purposes,
    self_signed,
)

VERSIONS = pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
BOTH = pytest.mark.parametrize("name", ["ordinary", "mtls"])
PASSED, COMING = (-20, -10), (3_650, 3_660)


def shown(
    certificate: x509.Certificate, *others: x509.Certificate, own: Key | None = None
) -> Shown:
    """What a client shows."""
    return Shown((certificate, *others), own or key(owner="client"))


def chains() -> dict[str, Shown]:
    """What only the application may judge."""
    root = Authority.root("unknown")
    below = root.subordinate("below")
    return {
        "self-signed": shown(self_signed()),
        "of an unknown authority": shown(root.issue()),
        "chain": shown(below.issue(), below.certificate, root.certificate),
        "chain in disorder": shown(below.issue(), root.certificate, below.certificate),
        "shown twice": shown(root.issue(), root.issue()),
        "expired": shown(self_signed(days=PASSED)),
        "not yet valid": shown(self_signed(days=COMING)),
        "for servers": shown(root.issue(extensions=[purposes(ExtendedKeyUsageOID.SERVER_AUTH)])),
        "of a wrong issuer": shown(below.issue(), Authority.root("below", owner="x").certificate),
        "weak": shown(self_signed(kind="RSA-1024"), own=key("RSA-1024", "client")),
        "RSA": shown(self_signed(kind="RSA-2048"), own=key("RSA-2048", "client")),
        "P-384": shown(self_signed(kind="P-384"), own=key("P-384", "client")),
        "Ed25519": shown(self_signed(kind="Ed25519"), own=key("Ed25519", "client")),
        "long name": shown(self_signed(common_name("x" * 500))),
    }


@VERSIONS
@pytest.mark.parametrize("which", sorted(chains()))
def test_any_certificate_reaches_the_application(peers: Peers, which: str, version: ssl.TLSVersion):
    """Whoever signed it and whenever it ends: the application sees the bytes that were shown."""
    client = chains()[which]
    connection = peers.connect("mtls", context=peers.context(client, version))
    assert connection.certificates() == [der(certificate) for certificate in client.chain]
    assert connection.certificates() == [der(certificate) for certificate in client.chain]


def costly_key() -> rsa.RSAPrivateKey:
    """One whose signatures take as long to verify as to make."""
    known = rsa.generate_private_key(65_537, 2_048).private_numbers()
    p, q = known.p, known.q
    e, around = (1 << 521) - 1, math.lcm(p - 1, q - 1)
    d = pow(e, -1, around)
    public = rsa.RSAPublicNumbers(e, p * q)
    exponents = (d % (p - 1), d % (q - 1), pow(q, -1, p))
    return rsa.RSAPrivateNumbers(p, q, d, *exponents, public).private_key()


@pytest.mark.parametrize("kind", ["long exponent", "DSA"])
@VERSIONS
def test_nothing_is_done_with_the_certificates_of_issuers(
    peers: Peers, kind: str, version: ssl.TLSVersion
):
    """They are shown to the application: to verify with their keys would hold up everybody."""
    theirs = costly_key() if kind == "long exponent" else dsa.generate_private_key(2_048)
    name, own = common_name("costly"), key(owner="client")
    issuer = issue(name, theirs, issuer=name, signing_key=theirs, extensions=[CA])
    client = shown(issue(common_name("till"), own, issuer=name, signing_key=theirs), issuer)
    connection = peers.connect("mtls", context=peers.context(client, version))
    assert connection.certificates() == [der(certificate) for certificate in client.chain]


@VERSIONS
def test_a_key_that_is_costly_to_verify_with_ends_the_handshake(
    peers: Peers, version: ssl.TLSVersion
):
    """Before its signature is verified. Nobody else notices."""
    own, name = costly_key(), common_name("costly")
    client = shown(issue(name, own, issuer=name, signing_key=own), own=own)
    with pytest.raises((OSError, EOFError)):
        peers.connect("mtls", context=peers.context(client, version)).facts()
    assert peers.connect("mtls").certificates() == []


@VERSIONS
def test_no_certificate_is_taken_as_well(peers: Peers, version: ssl.TLSVersion):
    """The application, not TLS, says that one is missing."""
    assert peers.connect("mtls", context=peers.context(None, version)).certificates() == []


def test_the_ordinary_listener_asks_for_none(peers: Peers):
    """A client that has one does not even show it."""
    assert peers.connect("ordinary", shown(self_signed())).certificates() == []
    said, _ = peers.s_client("ordinary")
    assert "Requested Signature Algorithms" not in said
    assert "Requested Signature Algorithms" in peers.s_client("mtls")[0]


@VERSIONS
@pytest.mark.clause("rfc8705-2-1")
def test_a_certificate_without_its_key_is_refused(peers: Peers, version: ssl.TLSVersion):
    """Showing somebody else's certificate ends the handshake: possession is proved."""
    victim, thief = key(owner="victim"), key(owner="thief")
    point, own_point = (
        pair.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        for pair in (victim, thief)
    )
    form = (Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    # The thief's scalar beside the victim's point: OpenSSL compares only the points.
    forged = thief.private_bytes(*form).replace(own_point, point)
    context = peers.context(version=version)
    peers.load(
        context,
        ssl.DER_cert_to_PEM_cert(der(self_signed(owner="victim"))),
        ssl.DER_cert_to_PEM_cert(forged).replace("CERTIFICATE", "EC PRIVATE KEY"),
    )
    with pytest.raises((OSError, EOFError)):
        peers.connect("mtls", context=context).facts()


@VERSIONS
def test_a_malformed_certificate_reaches_the_application(peers: Peers, version: ssl.TLSVersion):
    """A negative serial number is for the application to refuse, in JSON."""
    odd = der(self_signed()).replace(b"\x02\x01\x07", b"\x02\x01\x87", 1)
    context = peers.context(version=version)
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    own = key(owner="client").private_bytes(*form).decode()
    peers.load(context, ssl.DER_cert_to_PEM_cert(odd), own)
    assert peers.connect("mtls", context=context).certificates() == [odd]


@VERSIONS
def test_a_session_is_never_resumed(peers: Peers, version: ssl.TLSVersion):
    """Each connection proves the key anew, whatever the client remembers."""
    context = peers.context(shown(self_signed()), version)
    first = peers.connect("mtls", context=context)
    assert len(first.certificates()) == 1
    again = peers.connect("mtls", context=context, session=first.socket.session)
    assert not again.socket.session_reused
    assert again.certificates() == first.certificates()


def test_each_connection_has_its_own_certificate(peers: Peers):
    """Connections at the same time, and requests that take turns, are never mistaken."""
    clients = [shown(self_signed(f"client {number}")) for number in range(5)]
    connections = [peers.connect("mtls", client) for client in (*clients, None)]
    expected = [*([der(client.chain[0])] for client in clients), []]
    for _ in range(3):
        assert [connection.certificates() for connection in connections] == expected


def oversized(count: int, size: int) -> Shown:
    """A chain of many large certificates."""
    names = alternative(*(x509.DNSName(f"{n}.{'x' * 40}.example") for n in range(size // 54)))
    return shown(*(self_signed(f"number {n}", extensions=[names]) for n in range(count)))


@VERSIONS
def test_a_long_chain_reaches_the_application(peers: Peers, version: ssl.TLSVersion):
    """It is the application that finds twenty certificates too many."""
    client = oversized(20, 200)
    connection = peers.connect("mtls", context=peers.context(client, version))
    assert len(connection.certificates()) == 20


@VERSIONS
def test_a_chain_of_more_than_100_kib_ends_the_handshake(peers: Peers, version: ssl.TLSVersion):
    """What a stranger may make the service keep is bounded; nobody else notices."""
    client = oversized(12, 12_000)
    with pytest.raises((OSError, EOFError)):
        peers.connect("mtls", context=peers.context(client, version)).facts()
    assert peers.connect("mtls").certificates() == []


@BOTH
@VERSIONS
async def test_a_websocket_knows_its_peer(peers: Peers, name: str, version: ssl.TLSVersion):
    """Its first message tells; then messages of all sizes go both ways, each at once."""
    client = shown(self_signed())
    # Not the threaded client: Python's TLS must not be read and written by two threads at once.
    async with connect(
        f"wss://{HOST}:{peers.ports[name]}/device",
        ssl=peers.context(client, version),
        compression=None,
    ) as websocket:
        facts = json.loads(await websocket.recv())
        assert [bytes.fromhex(text) for text in facts["certificates"]] == (
            [der(client.chain[0])] if name == "mtls" else []
        )
        assert facts["scheme"] == "wss"
        for size in (1, 16_384, 125, 70_000, 0, 1_000_000):
            message = hashlib.shake_128(b"message").digest(size)
            await websocket.send(message)
            assert await websocket.recv() == message
        for number in range(200):
            await websocket.send(b"%d" % number)
        assert [await websocket.recv() for _ in range(200)] == [b"%d" % n for n in range(200)]
    with pytest.raises(ConnectionClosed):
        await websocket.recv()
