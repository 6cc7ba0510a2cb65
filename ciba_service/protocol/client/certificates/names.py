"""Names in certificates and registrations, in one comparable form (RFC 4514, RFC 5280 4.2.1.6).

Distinguished names are compared attribute by attribute, as distinguishedNameMatch does (RFC 4517
4.2.15), with every value under a simple caseIgnoreMatch: compatibility forms and letter case are
folded, runs of spaces count as one and those at the ends not at all. Values with control
characters are refused.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from cryptography import x509

__all__ = ["AlternativeNames", "DistinguishedName", "InvalidNameError", "folded_email"]

MAXIMUM_NAME_LENGTH: Final = 2048

# RFC 4514 3, then the names that certificates of banks and trust services use.
_TYPES: Final = {
    "cn": "2.5.4.3",
    "l": "2.5.4.7",
    "st": "2.5.4.8",
    "o": "2.5.4.10",
    "ou": "2.5.4.11",
    "c": "2.5.4.6",
    "street": "2.5.4.9",
    "dc": "0.9.2342.19200300.100.1.25",
    "uid": "0.9.2342.19200300.100.1.1",
    "sn": "2.5.4.4",
    "surname": "2.5.4.4",
    "serialnumber": "2.5.4.5",
    "title": "2.5.4.12",
    "businesscategory": "2.5.4.15",
    "postalcode": "2.5.4.17",
    "givenname": "2.5.4.42",
    "organizationidentifier": "2.5.4.97",
    "emailaddress": "1.2.840.113549.1.9.1",
    "jurisdictioncountryname": "1.3.6.1.4.1.311.60.2.1.3",
}
_OID: Final = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+", re.ASCII)
_HEX: Final = re.compile(r"#((?:[0-9A-Fa-f]{2})+) *", re.ASCII)
_TEXT: Final = re.compile(
    r"""(?: [^\\"+,;<>\0] | \\[ "\#+,;<=>\\] | \\[0-9A-Fa-f]{2} )+""", re.ASCII | re.VERBOSE
)
_ESCAPED: Final = re.compile(rb"\\([0-9A-Fa-f]{2}|.)")
_HEX_PAIR: Final = 2

# Tags of ASN.1 strings: UTF8String, PrintableString, IA5String, BMPString.
_STRING_CODECS: Final = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii", 0x1E: "utf-16-be"}
_SHORT_FORM: Final = 0x80
_ONE_LENGTH_BYTE: Final = 0x81

_Attribute = tuple[str, str]


class InvalidNameError(ValueError):
    """A name that cannot be compared; the text says why."""


@dataclass(frozen=True, slots=True)
class DistinguishedName:
    """An X.500 name: equal to another exactly when distinguishedNameMatch says so."""

    rdns: tuple[tuple[_Attribute, ...], ...]

    @classmethod
    def parse(cls, text: str) -> "DistinguishedName":
        """Read an RFC 4514 string; raises ``InvalidNameError``.

        Spaces beside separators are passed over, as RFC 2253 writers put them there.
        """
        if not text or len(text) > MAXIMUM_NAME_LENGTH:
            raise InvalidNameError(f"a name has 1 to {MAXIMUM_NAME_LENGTH} characters")
        rdns = [
            _relative(_parse_attribute(part) for part in _split(rdn, "+"))
            for rdn in _split(text, ",")
        ]
        # RFC 4514 2.1: the text begins with the last relative name.
        return cls(tuple(reversed(rdns)))

    @classmethod
    def of(cls, name: x509.Name) -> "DistinguishedName":
        """Take the name out of a certificate; raises ``InvalidNameError``."""
        return cls(
            tuple(
                _relative((item.oid.dotted_string, _folded(item.value)) for item in rdn)
                for rdn in name.rdns
            )
        )


@dataclass(frozen=True, slots=True)
class AlternativeNames:
    """The subject alternative names that RFC 8705 2.1.2 knows; DNS names in lower case."""

    dns: frozenset[str]
    uris: frozenset[str]
    addresses: frozenset[IPv4Address | IPv6Address]
    emails: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[x509.GeneralName]) -> "AlternativeNames":
        """Sort the names of the extension by kind; other kinds are left out."""
        present = tuple(names)
        return cls(
            dns=frozenset(name.value.lower() for name in present if isinstance(name, x509.DNSName)),
            uris=frozenset(
                name.value for name in present if isinstance(name, x509.UniformResourceIdentifier)
            ),
            # A network, eight or 32 bytes long, is no address (RFC 5280 4.2.1.6).
            addresses=frozenset(
                name.value
                for name in present
                if isinstance(name, x509.IPAddress)
                and isinstance(name.value, IPv4Address | IPv6Address)
            ),
            emails=frozenset(
                folded_email(name.value) for name in present if isinstance(name, x509.RFC822Name)
            ),
        )


def folded_email(address: str) -> str:
    """The address with its domain in lower case; the local part counts to the letter."""
    local, at, domain = address.rpartition("@")
    return local + at + domain.lower()


def _relative(attributes: Iterable[_Attribute]) -> tuple[_Attribute, ...]:
    # The attributes of one relative name are a set.
    return tuple(sorted(attributes))


def _folded(value: str | bytes) -> str:
    if not isinstance(value, str):
        raise InvalidNameError("a value of the name is not text")
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise InvalidNameError("a value of the name has control characters")
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def _split(text: str, separator: str) -> Iterator[str]:
    start = 0
    for match in re.finditer(rf"\\.|{re.escape(separator)}", text, re.DOTALL):
        if match.group() == separator:
            yield text[start : match.start()]
            start = match.end()
    yield text[start:]


def _parse_attribute(text: str) -> _Attribute:
    name, _, value = text.partition("=")
    folded = _folded(_parse_value(value.lstrip(" ")))
    if not folded:
        raise InvalidNameError("a value of the name is empty")
    return _parse_type(name.strip(" ")), folded


def _parse_type(name: str) -> str:
    if _OID.fullmatch(name):
        return name
    try:
        return _TYPES[name.lower()]
    except KeyError as error:
        raise InvalidNameError(
            "an attribute type is unknown; write it as dotted numbers"
        ) from error


def _parse_value(text: str) -> str:
    if text.startswith("#"):
        return _parse_hex(text)
    if not _TEXT.fullmatch(text):
        raise InvalidNameError("a value of the name is empty or wrongly escaped")
    try:
        return _ESCAPED.sub(_unescaped, text.encode()).decode()
    except UnicodeError as error:
        raise InvalidNameError("a value of the name is not UTF-8") from error


def _unescaped(match: re.Match[bytes]) -> bytes:
    escaped = match[1]
    return bytes.fromhex(escaped.decode()) if len(escaped) == _HEX_PAIR else escaped


def _parse_hex(text: str) -> str:
    # RFC 4514 2.4: the BER encoding of the value, here of a string.
    match = _HEX.fullmatch(text)
    if match is None:
        raise InvalidNameError("a value after # is not hexadecimal")
    tag, *rest = bytes.fromhex(match[1])
    codec = _STRING_CODECS.get(tag)
    content = _content(bytes(rest))
    if codec is None or content is None:
        raise InvalidNameError("a value after # is not the encoding of a string")
    try:
        return content.decode(codec)
    except UnicodeError as error:
        raise InvalidNameError("a value after # is not the encoding of a string") from error


def _content(encoded: bytes) -> bytes | None:
    header = 2 if encoded[:1] == bytes([_ONE_LENGTH_BYTE]) else 1
    if len(encoded) < header or (header == 1 and encoded[0] >= _SHORT_FORM):
        return None
    content = encoded[header:]
    return content if len(content) == encoded[header - 1] else None
