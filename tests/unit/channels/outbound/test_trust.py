"""Whom the service believes: certificates, names and versions of TLS (RFC 9525, FAPI-CIBA 7.9)."""

import asyncio
import socket
import ssl
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from ciba_service.channels.outbound import outbound_context
from ciba_service.ports.outbound import FailureReason, OutboundFailure, OutboundResponse
from tests.unit.channels.outbound.far_ends import (
    HOST,
    JSON,
    Names,
    Street,
    ca_file,
    ip_name,
    server_certificate,
    server_context,
)
from tests.unit.listening.tls.listeners import ALWAYS, authority, write_pem
from tests.unit.protocol.client.certificates.authority import key, purposes, self_signed

RIGHT = {
    "the host": server_certificate(),
    "one of several": server_certificate(
        names=[x509.DNSName("other.example"), x509.DNSName(HOST.upper())]
    ),
    "a wildcard of its label": server_certificate(names=[x509.DNSName("*.till.example")]),
}
WRONG = {
    "another host": server_certificate(host="other.example"),
    "a parent": server_certificate(names=[x509.DNSName("till.example")]),
    "a child": server_certificate(names=[x509.DNSName(f"a.{HOST}")]),
    "a wildcard above": server_certificate(names=[x509.DNSName("*.example")]),
    "a wildcard within a label": server_certificate(names=[x509.DNSName("k*.till.example")]),
    "the common name only": server_certificate(names=[]),
    "its address only": server_certificate(names=[ip_name("127.0.0.1")]),
    "an expired one": server_certificate(days=(-30, -11)),
    "one of tomorrow": server_certificate(days=(3_000, 4_000)),
    "another authority": server_certificate(signer="others"),
    "a client's": server_certificate(others=[purposes(ExtendedKeyUsageOID.CLIENT_AUTH)]),
    "self-signed": self_signed(HOST, owner="far", days=ALWAYS),
}


@pytest.mark.parametrize("name", RIGHT)
async def test_a_certificate_of_the_host_is_believed(street: Street, name: str):
    """An alternative name says so, by a trusted authority, today."""
    far, door = await street.far_end(JSON, RIGHT[name]), street.door()
    assert isinstance(await door.fetch(far.url()), OutboundResponse)
    assert isinstance(await door.notify(far.url()), OutboundResponse)
    assert set(far.names) == {HOST}


@pytest.mark.clause("fapi-ciba-7.9-2", "fapi2-sp-5.2.1-5", "oidc-16.17-1")
@pytest.mark.parametrize("name", WRONG)
async def test_any_other_certificate_is_refused(street: Street, name: str):
    """Neither a key set nor a callback passes when the certificate is not that of the host."""
    far, door = await street.far_end(JSON, WRONG[name]), street.door()
    assert await door.failure(far.url()) is FailureReason.TLS_FAILED
    result = await door.notify(far.url())
    assert isinstance(result, OutboundFailure)
    assert result.reason is FailureReason.TLS_FAILED
    assert far.requests == []


async def test_the_reason_is_told_without_the_rest_of_the_url(street: Street):
    """What is logged says what is wrong, and nothing of path and query."""
    far, door = await street.far_end(JSON, WRONG["an expired one"]), street.door()
    assert await door.fetch(far.url("/secret?secret=1")) == OutboundFailure(
        FailureReason.TLS_FAILED, "certificate: certificate has expired"
    )


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 address of its own at all."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        pytest.param(
            "[::1]", "::1", marks=pytest.mark.skipif(not has_ipv6(), reason="IPv6 is off here")
        ),
    ],
)
async def test_an_address_in_the_url_must_be_in_the_certificate(
    street: Street, host: str, address: str
):
    """For an address in place of a name its own kind of alternative name counts."""
    named = server_certificate(names=[ip_name(address)])
    others = server_certificate(names=[x509.DNSName(address)])
    door = street.door()
    far = await street.far_end(JSON, named, address=address)
    assert isinstance(await door.fetch(far.url(host=host)), OutboundResponse)
    assert far.requests[0].split(b"\r\n")[1] == f"Host: {host}:{far.port}".encode()
    far = await street.far_end(JSON, others, address=address)
    assert await door.failure(far.url(host=host)) is FailureReason.TLS_FAILED
    assert door.names.asked == []


async def test_every_name_of_an_address_is_verified_for_itself(street: Street):
    """A connection that was verified for one name is not used for another."""
    far = await street.far_end()
    door = street.door(names=Names({HOST: [("127.0.0.1",)], "other.example": [("127.0.0.1",)]}))
    assert isinstance(await door.fetch(far.url()), OutboundResponse)
    assert await door.failure(far.url(host="other.example")) is FailureReason.TLS_FAILED


async def test_without_a_bundle_the_systems_authorities_count(street: Street):
    """An authority of ours is none of the system's."""
    far, door = await street.far_end(), street.door(ca_bundle=None)
    assert await door.failure(far.url()) is FailureReason.TLS_FAILED


async def test_plain_http_behind_an_https_url_is_refused(street: Street):
    """No request is ever written to somebody who does not speak TLS."""
    heard = bytearray()

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read(65_536))
        writer.write(JSON)
        heard.extend(await reader.read())

    far, door = await street.far_end(plain, tls=False), street.door()
    assert await door.failure(far.url()) is FailureReason.TLS_FAILED
    assert b"GET" not in heard


async def test_a_connection_that_ends_within_the_handshake_is_told_so(street: Street):
    """Somebody who hangs up is no server."""

    async def hang_up(*_: object) -> None:
        return

    far, door = await street.far_end(hang_up, tls=False), street.door()
    assert await door.failure(far.url()) is FailureReason.TLS_FAILED


@pytest.mark.parametrize(
    ("version", "suites", "is_taken"),
    [
        (ssl.TLSVersion.TLSv1_3, "DEFAULT", True),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256", True),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA256", False),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-CCM", False),
    ],
)
async def test_tls_is_of_today(
    street: Street, version: ssl.TLSVersion, suites: str, *, is_taken: bool
):
    """TLS 1.3, and 1.2 with the suites of BCP 195."""
    context = server_context(street.directory, server_certificate())
    context.minimum_version = context.maximum_version = version
    context.set_ciphers(suites)
    far, door = await street.far_end_with(context), street.door()
    if is_taken:
        assert isinstance(await door.fetch(far.url()), OutboundResponse)
    else:
        assert await door.failure(far.url()) is FailureReason.TLS_FAILED


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_tls_of_yesterday_is_refused(street: Street, version: ssl.TLSVersion):
    """TLS 1.0 and 1.1 are not spoken."""
    context = server_context(street.directory, server_certificate())
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.minimum_version = version
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.maximum_version = version
    far, door = await street.far_end_with(context), street.door()
    assert await door.failure(far.url()) is FailureReason.TLS_FAILED


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_service_shows_its_certificate_when_asked(
    street: Street, version: ssl.TLSVersion
):
    """With a client certificate a host that demands one is reached; without it TLS fails."""
    context = server_context(street.directory, server_certificate())
    context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca_file(street.directory))
    far = await street.far_end_with(context)
    own = authority().issue("op", key(owner="op"), days=ALWAYS)
    files = write_pem(street.directory, "op", [own], key(owner="op"))
    door = street.door(certificate=(str(files[0]), str(files[1])))
    assert isinstance(await door.fetch(far.url()), OutboundResponse)
    (connection,) = far.sockets
    assert connection.getpeercert(binary_form=True) == own.public_bytes(Encoding.DER)
    assert isinstance(await street.door().fetch(far.url()), OutboundFailure)
    assert len(far.requests) == 1


async def test_an_alert_after_the_handshake_is_one_of_tls(street: Street):
    """TLS 1.3 tells a client that shows no certificate only when it has begun to send."""
    context = server_context(street.directory, server_certificate())
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca_file(street.directory))

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        connection = context.wrap_bio(received, to_send, server_side=True)
        while data := await reader.read(65_536):
            received.write(data)
            with suppress(ssl.SSLError):
                connection.do_handshake()
            writer.write(to_send.read())

    far, door = await street.far_end(refuse, tls=False), street.door()
    assert await door.fetch(far.url()) == OutboundFailure(
        FailureReason.TLS_FAILED, "TLS: TLSV13_ALERT_CERTIFICATE_REQUIRED"
    )


def test_files_that_do_not_fit_are_refused(street: Street):
    """A bundle or key that cannot be read is no door."""
    nonsense = street.directory / "nonsense"
    nonsense.write_text("nonsense")
    with pytest.raises(OSError, match=r".*"):
        outbound_context(ca_bundle=str(nonsense))
    with pytest.raises(OSError, match=r".*"):
        outbound_context(certificate=str(nonsense), key=str(nonsense))
