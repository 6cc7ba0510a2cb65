"""Parsing certificates: what is read, and that nothing odd gets further than a clean refusal."""

import hashlib
import random
from base64 import urlsafe_b64encode

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ciba_service.protocol.client.certificates.certificate import (
    MAXIMUM_CERTIFICATE_LENGTH,
    MAXIMUM_INTERMEDIATES,
    ClientCertificate,
    InvalidCertificateError,
    PresentedChain,
    verify_dates,
)
from tests.unit.protocol.client.certificates.authority import (
    INSTANT,
    NOW,
    Authority,
    alternative,
    der,
    key,
    purposes,
    self_signed,
)

SERIAL_SEVEN = bytes.fromhex("020107")


def refuse(encoded: bytes) -> None:
    """Hold that bytes are refused cleanly."""
    with pytest.raises(InvalidCertificateError):
        ClientCertificate.parse(encoded)


@pytest.mark.clause("rfc8705-3.1-1")
def test_the_thumbprint_is_the_base64url_sha_256_of_the_der():
    """It is computed over the exact bytes, without padding."""
    encoded = der(self_signed())
    expected = urlsafe_b64encode(hashlib.sha256(encoded).digest()).rstrip(b"=").decode()
    assert ClientCertificate.parse(encoded).thumbprint == expected


def test_a_certificate_equals_one_of_the_same_bytes_only():
    """A second certificate of the same key and names is another."""
    one, other = der(self_signed()), der(self_signed(days=(-1, 31)))
    assert ClientCertificate.parse(one) == ClientCertificate.parse(one)
    assert ClientCertificate.parse(one) != ClientCertificate.parse(other)


@pytest.mark.parametrize("kind", ["P-256", "P-384", "Ed25519", "RSA-2048"])
def test_strong_keys_are_read(kind: str):
    """The public key is the one of the pair."""
    parsed = ClientCertificate.parse(der(Authority.root().issue("till", key(kind))))
    assert parsed.public_key == key(kind).public_key()


@pytest.mark.parametrize("kind", ["RSA-1024", "P-224"])
def test_weak_keys_are_refused(kind: str):
    """RSA below 2048 bits and curves below P-256 prove nothing."""
    refuse(der(Authority.root().issue("till", key(kind))))


@pytest.mark.parametrize("serial", ["020100", "0201ff", "020180"])
def test_a_serial_number_that_is_not_positive_is_refused(serial: str):
    """RFC 5280 4.1.2.2; no warning of the library escapes either."""
    encoded = der(self_signed())
    assert SERIAL_SEVEN in encoded
    refuse(encoded.replace(SERIAL_SEVEN, bytes.fromhex(serial), 1))


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\x30\x00",
        b"-----BEGIN CERTIFICATE-----",
        bytes(MAXIMUM_CERTIFICATE_LENGTH),
        b"\x30\x84\xff\xff\xff\xff",
    ],
)
def test_what_is_no_certificate_is_refused(encoded: bytes):
    """Whatever the bytes, the answer is the same refusal."""
    refuse(encoded)


def test_bytes_after_the_certificate_are_refused():
    """Two encodings of one certificate would have two thumbprints."""
    refuse(der(self_signed()) + b"\x00")


def test_a_certificate_that_is_too_long_is_not_even_parsed():
    """The limit holds for certificates that are otherwise right."""
    filler = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(16_384))
    with pytest.raises(InvalidCertificateError, match="too long"):
        ClientCertificate.parse(der(self_signed(extensions=[(filler, False)])))


@pytest.mark.parametrize(
    "names",
    [
        pytest.param("3007 8705 6161616161", id="address-of-five-bytes"),
        pytest.param("3005 8203fffefd", id="dns-name-not-ascii"),
        pytest.param("3002 a300", id="x400-address"),
        pytest.param("3000ff", id="trailing-byte"),
        pytest.param("ff", id="no-sequence"),
    ],
)
def test_alternative_names_that_cannot_be_read_are_refused(names: str):
    """An extension is read with the certificate, not when it is needed."""
    extension = x509.UnrecognizedExtension(
        x509.SubjectAlternativeName.oid, bytes.fromhex(names.replace(" ", ""))
    )
    refuse(der(self_signed(extensions=[(extension, False)])))


def test_a_repeated_extension_is_refused():
    """Two alternative names extensions would let two readers see two subjects."""
    first = b"\x04\x05" + bytes.fromhex("3003820161")
    one = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), first[2:])
    two = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.18"), first[2:])
    encoded = der(self_signed(extensions=[(one, False), (two, False)]))
    refuse(encoded.replace(bytes.fromhex("0603551d12"), bytes.fromhex("0603551d11")))


def test_a_subject_that_is_no_text_is_refused():
    """X.520 allows bit strings in names; nobody could register one."""
    odd = x509.NameAttribute(
        NameOID.X500_UNIQUE_IDENTIFIER,
        b"\x00\x01",
        x509.name._ASN1Type.BitString,
    )
    refuse(der(self_signed(x509.Name([odd]))))


def test_a_subject_with_control_characters_is_refused():
    """A NUL or a line end in a name is there to deceive somebody."""
    refuse(der(self_signed("till\0.evil.example")))


def test_a_name_longer_than_its_type_allows_is_read():
    """Banks have long names; the library's warning about them stays inside."""
    assert ClientCertificate.parse(der(self_signed("t" * 100)))


def test_damaged_certificates_never_raise_anything_else():
    """Many single damages, each either read completely or refused cleanly."""
    encoded = der(
        self_signed(
            extensions=[
                alternative(x509.DNSName("till.example"), x509.RFC822Name("till@example.com")),
                purposes(ExtendedKeyUsageOID.CLIENT_AUTH),
            ]
        )
    )
    pick = random.Random(8705)  # noqa: S311 - damage, the same in every run
    refused = 0
    for _ in range(1500):
        damaged = bytearray(encoded)
        damaged[pick.randrange(len(damaged))] = pick.choice(
            [0, 0x30, 0x80, 0xFF, pick.randrange(256)]
        )
        try:
            ClientCertificate.parse(bytes(damaged))
        except InvalidCertificateError:
            refused += 1
    assert refused > 500


@pytest.mark.parametrize(
    ("days", "seconds"),
    [((0, 1), 0), ((-1, 0), 0), ((-1, 1), 0), ((0, 1), 86_400)],
)
def test_both_dates_belong_to_the_validity(days: tuple[float, float], seconds: float):
    """RFC 5280 4.1.2.5: inclusive at either end."""
    certificate = ClientCertificate.parse(der(self_signed(days=days)))
    assert verify_dates(certificate, now=NOW + seconds) is certificate


@pytest.mark.parametrize(
    ("now", "reason"), [(NOW - 86_401, "not yet valid"), (NOW + 30 * 86_400 + 1, "expired")]
)
def test_outside_its_dates_a_certificate_is_refused(now: float, reason: str):
    """A second is enough."""
    certificate = ClientCertificate.parse(der(self_signed()))
    assert certificate.not_before < INSTANT < certificate.not_after
    with pytest.raises(InvalidCertificateError, match=reason):
        verify_dates(certificate, now=now)


def test_a_chain_has_the_own_certificate_first():
    """The rest are intermediates as they came."""
    root = Authority.root()
    leaf = der(root.issue())
    chain = PresentedChain.parse([leaf, der(root.certificate)])
    assert chain.leaf == ClientCertificate.parse(leaf)
    assert chain.intermediates == (root.certificate,)


@pytest.mark.parametrize("length", [0, MAXIMUM_INTERMEDIATES + 2])
def test_an_empty_or_long_chain_is_refused(length: int):
    """What is sent is bounded before any of it is parsed."""
    with pytest.raises(InvalidCertificateError, match="1 to 6"):
        PresentedChain.parse([b"no certificate"] * length)


def test_a_malformed_or_weak_intermediate_is_refused():
    """A chain is as strong as each of its certificates."""
    root = Authority.root()
    weak = root.subordinate("weak", kind="RSA-1024")
    for intermediate in (b"no certificate", der(weak.certificate)):
        with pytest.raises(InvalidCertificateError):
            PresentedChain.parse([der(root.issue()), intermediate])
