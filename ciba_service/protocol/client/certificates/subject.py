"""The one subject value a ``tls_client_auth`` client registers (RFC 8705 2.1.2)."""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, assert_never

from ciba_service.protocol.client.certificates.certificate import ClientCertificate
from ciba_service.protocol.client.certificates.names import (
    DistinguishedName,
    InvalidNameError,
    folded_email,
)

__all__ = ["RegisteredSubject", "SubjectMember"]

MAXIMUM_SUBJECT_LENGTH: Final = 2048

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DNS: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*", re.ASCII)
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+", re.ASCII)
_EMAIL: Final = re.compile(r"[\x21-\x3f\x41-\x7e]+@[\x21-\x3f\x41-\x7e]+", re.ASCII)

_Subject = DistinguishedName | str | IPv4Address | IPv6Address


class SubjectMember(StrEnum):
    """Client metadata that names the subject of a certificate, one per client."""

    DN = "tls_client_auth_subject_dn"
    DNS = "tls_client_auth_san_dns"
    URI = "tls_client_auth_san_uri"
    IP = "tls_client_auth_san_ip"
    EMAIL = "tls_client_auth_san_email"


@dataclass(frozen=True, slots=True)
class RegisteredSubject:
    """Whose certificate a client presents.

    DNS names are compared without regard to case and without wildcards, URIs to the letter,
    addresses in binary form, e-mail addresses with only the domain's case ignored.
    """

    member: SubjectMember
    expected: _Subject

    @classmethod
    def parse(cls, member: SubjectMember, text: str) -> "RegisteredSubject":
        """Read a registered value; raises ``InvalidNameError`` when it could never match."""
        if len(text) > MAXIMUM_SUBJECT_LENGTH:
            raise InvalidNameError(f"it is longer than {MAXIMUM_SUBJECT_LENGTH} characters")
        return cls(member, _expected(member, text))

    def is_of(self, certificate: ClientCertificate) -> bool:
        """Whether the certificate names exactly this subject."""
        return self.expected in _presented(self.member, certificate)


def _expected(member: SubjectMember, text: str) -> _Subject:
    match member:
        case SubjectMember.DN:
            return DistinguishedName.parse(text)
        case SubjectMember.DNS:
            return _shaped(_DNS, text.lower(), "a host name without wildcard")
        case SubjectMember.URI:
            return _shaped(_URI, text, "an absolute URI")
        case SubjectMember.IP:
            return _address(text)
        case SubjectMember.EMAIL:
            return folded_email(_shaped(_EMAIL, text, "an e-mail address"))
        case _:
            assert_never(member)


def _presented(member: SubjectMember, certificate: ClientCertificate) -> frozenset[_Subject]:
    names = certificate.alternative_names
    match member:
        case SubjectMember.DN:
            return frozenset({certificate.subject})
        case SubjectMember.DNS:
            return frozenset(names.dns)
        case SubjectMember.URI:
            return frozenset(names.uris)
        case SubjectMember.IP:
            return frozenset(names.addresses)
        case SubjectMember.EMAIL:
            return frozenset(names.emails)
        case _:
            assert_never(member)


def _shaped(shape: re.Pattern[str], text: str, kind: str) -> str:
    if not shape.fullmatch(text):
        raise InvalidNameError(f"it is not {kind}")
    return text


def _address(text: str) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(text)
    except ValueError as error:
        raise InvalidNameError("it is not an IP address") from error
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise InvalidNameError("an address in a certificate has no zone")
    return address
