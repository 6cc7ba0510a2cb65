"""The subject a client registers: exactly that one, in the right field of the certificate."""

from ipaddress import ip_address, ip_network

import pytest
from cryptography import x509

from ciba_service.protocol.client.certificates.certificate import ClientCertificate
from ciba_service.protocol.client.certificates.names import InvalidNameError
from ciba_service.protocol.client.certificates.subject import RegisteredSubject, SubjectMember
from tests.unit.protocol.client.certificates.authority import alternative, der, self_signed

DNS, URI, IP, EMAIL, DN = (
    SubjectMember.DNS,
    SubjectMember.URI,
    SubjectMember.IP,
    SubjectMember.EMAIL,
    SubjectMember.DN,
)
NAMES = (
    x509.DNSName("Till.Bank.example"),
    x509.DNSName("*.wild.example"),
    x509.UniformResourceIdentifier("spiffe://bank.example/Till"),
    x509.IPAddress(ip_address("10.1.2.3")),
    x509.IPAddress(ip_address("fd00::7")),
    x509.IPAddress(ip_network("10.9.0.0/16")),
    x509.RFC822Name("Till@Bank.example"),
    x509.RegisteredID(x509.ObjectIdentifier("1.2.3.4")),
)


def is_of(member: SubjectMember, text: str) -> bool:
    """Whether a certificate with all those names is that subject's."""
    certificate = self_signed("till", extensions=[alternative(*NAMES)])
    subject = RegisteredSubject.parse(member, text)
    return subject.is_of(ClientCertificate.parse(der(certificate)))


@pytest.mark.clause("rfc8705-2.1-1")
@pytest.mark.parametrize(
    ("member", "text"),
    [
        (DN, "cn=TILL"),
        (DNS, "till.bank.example"),
        (DNS, "TILL.bank.EXAMPLE"),
        (URI, "spiffe://bank.example/Till"),
        (EMAIL, "Till@bank.EXAMPLE"),
    ],
)
def test_the_registered_subject_is_found(member: SubjectMember, text: str):
    """Each kind under its own rule of comparison."""
    assert is_of(member, text)


@pytest.mark.clause("rfc8705-2.1.2-2")
def test_addresses_are_compared_in_binary_form():
    """However an address is written, it is the same number; a mapped one is another."""
    assert is_of(IP, "10.1.2.3")
    assert is_of(IP, "fd00:0:0::0007")
    assert is_of(IP, "FD00::7")
    assert not is_of(IP, "::ffff:10.1.2.3")
    assert not is_of(IP, "10.1.2.4")
    assert not is_of(IP, "10.9.0.0")


@pytest.mark.clause("rfc8705-2.1-1")
@pytest.mark.parametrize(
    ("member", "text"),
    [
        (DN, "CN=till.bank.example"),
        (DNS, "bank.example"),
        (DNS, "other.bank.example"),
        (DNS, "a.wild.example"),
        (DNS, "till"),
        (URI, "spiffe://bank.example/till"),
        (URI, "spiffe://bank.example/Till/"),
        (URI, "dns:till.bank.example"),
        (EMAIL, "till@bank.example"),
        (EMAIL, "Till@other.example"),
    ],
)
def test_another_subject_is_not_found(member: SubjectMember, text: str):
    """Wildcards stand for nothing, and no kind of name stands for another."""
    assert not is_of(member, text)


def test_a_certificate_without_alternative_names_has_none():
    """Its common name does not take their place."""
    certificate = ClientCertificate.parse(der(self_signed("till.bank.example")))
    assert not RegisteredSubject.parse(DNS, "till.bank.example").is_of(certificate)
    assert RegisteredSubject.parse(DN, "CN=till.bank.example").is_of(certificate)


@pytest.mark.parametrize(
    ("member", "text"),
    [
        (DN, "till"),
        (DNS, ""),
        (DNS, "*.bank.example"),
        (DNS, "till.bank.example."),
        (DNS, "tíll.example"),
        (DNS, "-till.example"),
        (DNS, "till..example"),
        (DNS, "t" * 64),
        (DNS, ".".join(["till"] * 60)),
        (DNS, "till.example\n"),
        (URI, "bank.example/till"),
        (URI, "https://bank.example/ till"),
        (URI, "https:"),
        (IP, "10.1.2"),
        (IP, "10.1.2.0/24"),
        (IP, "fe80::1%eth0"),
        (EMAIL, "till"),
        (EMAIL, "till@"),
        (EMAIL, "a@b@c"),
        (EMAIL, "till @bank.example"),
        (URI, "urn:" + "a" * 2048),
    ],
)
def test_a_value_that_could_never_match_is_refused(member: SubjectMember, text: str):
    """A slip in registration is told at once, not at the first request."""
    with pytest.raises(InvalidNameError):
        RegisteredSubject.parse(member, text)
