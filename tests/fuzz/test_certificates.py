"""Certificates of strangers, and the headers in which proxies forward them."""

from base64 import b64encode
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given
from hypothesis import strategies as st

from ciba_service.protocol.client.certificates.anchors import TrustAnchors
from ciba_service.protocol.client.certificates.certificate import (
    ClientCertificate,
    InvalidCertificateError,
    PresentedChain,
)
from ciba_service.protocol.client.certificates.headers import (
    InvalidCertificateHeaderError,
    parse_client_cert,
    parse_escaped_pem,
)
from ciba_service.protocol.client.certificates.names import DistinguishedName, InvalidNameError
from ciba_service.protocol.client.certificates.self_signed import RegisteredCertificates
from tests.fuzz.budget import fuzzed
from tests.fuzz.hostile import RAW, altered, any_text, damaged, outcome
from tests.unit.protocol.client.certificates.authority import (
    Authority,
    alternative,
    der,
    self_signed,
)
from tests.wire.signing import new_key, public_jwk

AUTHORITY = Authority.root()
ANCHORS = AUTHORITY.anchors
CERTIFICATE = AUTHORITY.issue(
    "shop",
    extensions=[alternative(x509.DNSName("shop.example"), x509.RFC822Name("a@shop.example"))],
)
DER, PEM = der(CERTIFICATE), CERTIFICATE.public_bytes(Encoding.PEM)
ESCAPED = quote(PEM.decode(), safe="").encode()
ITEM = b":" + b64encode(DER) + b":"
NOW = CERTIFICATE.not_valid_before_utc.timestamp() + 1
ITS_JWK = {**public_jwk(new_key()), "x5c": [b64encode(der(self_signed())).decode()]}


def _flipped(data: bytes) -> st.SearchStrategy[bytes]:
    """One byte changed: the lengths around it stay right, so that more of it is looked at."""
    places, bytes_ = st.integers(0, len(data) - 1), st.integers(0, 255)
    return st.builds(lambda at, new: data[:at] + bytes([new]) + data[at + 1 :], places, bytes_)


@fuzzed
@given(st.one_of(RAW, damaged(DER), _flipped(DER)))
@example(b"\x30\x80" * 8_000)
@example(b"\x30\x84\xff\xff\xff\xff")
def test_a_certificate_is_wholly_read_or_refused(data: bytes) -> None:
    """What was read has names, dates and a key; and only what the authority signed counts."""
    read = outcome(ClientCertificate.parse, InvalidCertificateError)(data)
    if read is None:
        return
    assert read.der == data
    assert read.not_before.tzinfo is not None
    verify = outcome(ANCHORS.verify, InvalidCertificateError)
    verified = verify(PresentedChain.parse([data]), now=NOW)
    assert verified is None or data == DER


@fuzzed
@given(st.lists(st.one_of(RAW, st.just(DER), _flipped(DER)), max_size=8))
def test_a_chain_is_bounded_and_read_or_refused(ders: list[bytes]) -> None:
    """No certificate beside the first one breaks what reads them."""
    chain = outcome(PresentedChain.parse, InvalidCertificateError)(ders)
    if chain is not None:
        outcome(ANCHORS.verify, InvalidCertificateError)(chain, now=NOW)


@fuzzed
@given(st.one_of(RAW, damaged(PEM), _flipped(PEM)))
def test_anchors_are_certificates_of_authorities_or_refused(pem: bytes) -> None:
    """A file of anchors that was damaged is told as that."""
    outcome(TrustAnchors.parse, InvalidCertificateError)(pem)


@fuzzed
@given(st.lists(st.one_of(RAW, damaged(ESCAPED), st.just(ESCAPED)), max_size=2))
@example([b"%" * 100_000])
@example([quote("-----BEGIN CERTIFICATE-----\n" + "A\n" * 10_000).encode()])
def test_an_escaped_pem_has_one_meaning_or_none(lines: list[bytes]) -> None:
    """One certificate at most comes of it, and never more bytes than there were."""
    ders = outcome(parse_escaped_pem, InvalidCertificateHeaderError)(lines)
    assert not ders or (len(ders) == 1 and len(ders[0]) < len(lines[0]))


@fuzzed
@given(
    st.lists(st.one_of(RAW, damaged(ITEM), st.just(ITEM)), max_size=2),
    st.lists(st.one_of(RAW, damaged(ITEM + b", " + ITEM)), max_size=3),
)
@example([ITEM], [b"," * 100_000])
@example([ITEM], [(ITEM + b" \t" * 5_000 + b",") * 2])
def test_forwarded_certificates_have_one_meaning_or_none(
    lines: list[bytes], chain: list[bytes]
) -> None:
    """RFC 9440 values are taken as they are written, or not at all."""
    ders = outcome(parse_client_cert, InvalidCertificateHeaderError)(lines, chain)
    if ders:
        assert b":" + b64encode(ders[0]) + b":" == lines[0].strip(b" ")


@fuzzed
@given(altered({"keys": [ITS_JWK]}))
def test_certificates_of_registered_keys_are_read_or_refused(jwks: object) -> None:
    """Whatever stands in ``x5c``, it is a certificate of that key or no certificate."""
    if isinstance(jwks, dict):
        outcome(RegisteredCertificates.parse, InvalidCertificateError)(jwks)


@fuzzed
@given(
    st.one_of(
        any_text,
        damaged(b"CN=a\\2C b+OU=#0c0161,2.5.4.10=\\\\x").map(lambda name: name.decode("latin-1")),
    )
)
@example("CN=#" + "0c" * 1_000)
@example("CN=\ud800")
@example("CN=" + "\\" * 2_001)
@example("1." * 1_000 + "1=a")
def test_a_distinguished_name_is_read_or_refused(text: str) -> None:
    """Names that clients register are compared by their meaning; what has none is refused."""
    name = outcome(DistinguishedName.parse, InvalidNameError)(text)
    assert name is None or name == DistinguishedName.parse(text)
