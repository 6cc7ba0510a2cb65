"""Forwarded certificates: RFC 9440 and nginx's escaped PEM, strictly read."""

from base64 import b64encode
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ciba_service.protocol.client.certificates.headers import (
    InvalidCertificateHeaderError,
    parse_client_cert,
    parse_escaped_pem,
)
from tests.unit.protocol.client.certificates.authority import Authority, der, self_signed

CERTIFICATE = self_signed()
LEAF = der(CERTIFICATE)
ITEM = b":" + b64encode(LEAF) + b":"
OTHER = der(Authority.root().certificate)
OTHER_ITEM = b":" + b64encode(OTHER) + b":"
PEM = CERTIFICATE.public_bytes(Encoding.PEM).decode()
ESCAPED = quote(PEM, safe="").encode()


@pytest.mark.clause("rfc8705-6.5-1")
@pytest.mark.parametrize(
    ("chain", "others"),
    [
        ([], ()),
        ([b""], ()),
        ([OTHER_ITEM], (OTHER,)),
        ([OTHER_ITEM + b", " + ITEM], (OTHER, LEAF)),
        ([OTHER_ITEM + b"\t,\t" + ITEM + b" "], (OTHER, LEAF)),
        ([OTHER_ITEM, ITEM], (OTHER, LEAF)),
    ],
)
def test_client_cert_carries_the_certificate_and_its_chain(
    chain: list[bytes], others: tuple[bytes, ...]
):
    """RFC 9440 2: a byte sequence, and a list of them that may span lines."""
    assert parse_client_cert([ITEM], chain) == (LEAF, *others)
    assert parse_client_cert([b" " + ITEM + b"  "], chain) == (LEAF, *others)


def test_no_header_is_no_certificate():
    """The proxy saw none."""
    assert parse_client_cert([], []) == ()
    assert parse_escaped_pem([]) == ()
    assert parse_escaped_pem([b""]) == ()


@pytest.mark.parametrize(
    "lines",
    [
        [b""],
        [b"::"],
        [ITEM, ITEM],
        [ITEM + b", " + ITEM],
        [ITEM + b";a=1"],
        [ITEM[1:-1]],
        [ITEM[:-1]],
        [b'"' + ITEM[1:-1] + b'"'],
        [b"\t" + ITEM],
        [ITEM.replace(b"A", b" A", 1)],
        [b":-_-_:"],
        [b":AAA:"],
        [b":AAB=:"],
        [b":A===:"],
        [b":AA=A:"],
        [b":AA==AA==:"],
        [b":" + b"A" * 22_000 + b":"],
        [b":\xff\xff\xff\xff:"],
    ],
)
def test_a_malformed_or_repeated_client_cert_is_refused(lines: list[bytes]):
    """Padding, alphabet and spaces are as written in RFC 9651, with one spelling a value."""
    with pytest.raises(InvalidCertificateHeaderError):
        parse_client_cert(lines, [])


@pytest.mark.parametrize(
    "chain",
    [
        [OTHER_ITEM + b","],
        [b"," + OTHER_ITEM],
        [OTHER_ITEM, b""],
        [OTHER_ITEM + b" " + ITEM],
        [b"(" + OTHER_ITEM + b")"],
        [b"no list"],
        [b", ".join([b":AAAA:"] * 6)],
        [b":AAAA:"] * 6,
        [b":" + b"A" * 200_000 + b":"],
    ],
)
def test_a_malformed_or_long_chain_is_refused(chain: list[bytes]):
    """No member may be missing, and there are at most five."""
    with pytest.raises(InvalidCertificateHeaderError):
        parse_client_cert([ITEM], chain)


def test_a_chain_without_a_certificate_is_refused():
    """RFC 9440 2.3: it only goes with Client-Cert."""
    with pytest.raises(InvalidCertificateHeaderError, match="alone"):
        parse_client_cert([], [OTHER_ITEM])


@pytest.mark.clause("rfc8705-6.5-1")
@pytest.mark.parametrize(
    "escaped",
    [
        ESCAPED,
        quote(PEM, safe="+/=").encode(),
        quote(PEM.rstrip(), safe="").encode(),
        quote(PEM.replace("\n", "\r\n"), safe="").encode(),
        "".join(f"%{byte:02x}" for byte in PEM.encode()).encode(),
    ],
)
def test_an_escaped_pem_carries_the_certificate(escaped: bytes):
    """As nginx writes it, and as proxies that escape less or more."""
    assert parse_escaped_pem([escaped]) == (LEAF,)


@pytest.mark.parametrize(
    "lines",
    [
        [ESCAPED, ESCAPED],
        [b"", b""],
        [PEM.replace("\n", " ").encode()],
        [ESCAPED + b"%"],
        [ESCAPED + b"%0g"],
        [b" " + ESCAPED],
        [ESCAPED + ESCAPED],
        [ESCAPED + b"%0Atrailing"],
        [quote("leading\n" + PEM, safe="").encode()],
        [quote(PEM.replace("CERTIFICATE", "PRIVATE KEY"), safe="").encode()],
        [quote(PEM.replace("\n", ""), safe="").encode()],
        [quote("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n").encode()],
        [quote("-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n").encode()],
        [quote(PEM.replace("MI", "M "), safe="").encode()],
        [b"%41" * 30_000],
    ],
)
def test_a_malformed_or_repeated_escaped_pem_is_refused(lines: list[bytes]):
    """Exactly one certificate, and nothing around it."""
    with pytest.raises(InvalidCertificateHeaderError):
        parse_escaped_pem(lines)
