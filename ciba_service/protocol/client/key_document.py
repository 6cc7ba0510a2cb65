"""A client's key set as found behind its ``jwks_uri``: what is accepted, and for how long."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ciba_service.protocol.client.certificates.certificate import InvalidCertificateError
from ciba_service.protocol.client.certificates.self_signed import RegisteredCertificates
from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json_object
from ciba_service.protocol.jose.keys import InvalidKeyError, KeySet, NoSignatureKeyError
from ciba_service.protocol.outbound.url import InvalidUrlError, parse_outbound_url

__all__ = [
    "DEFAULT_LIFETIME",
    "KEY_MEDIA_TYPES",
    "LONGEST_LIFETIME",
    "SHORTEST_LIFETIME",
    "InvalidKeyDocumentError",
    "KeyDocument",
    "is_jwks_uri",
    "lifetime_of",
    "parse_key_document",
]

KEY_MEDIA_TYPES: Final = ("application/jwk-set+json", "application/json")
SHORTEST_LIFETIME: Final = 60
DEFAULT_LIFETIME: Final = 3600
LONGEST_LIFETIME: Final = 86_400
"""Seconds for which a key set counts: the shortest, without a word of the server, the longest."""

_MAX_AGE: Final = re.compile(r'max-age\s*=\s*("?)([0-9]{1,10})\1', re.ASCII | re.IGNORECASE)
_UNCACHED: Final = frozenset({"no-store", "no-cache"})


class InvalidKeyDocumentError(ValueError):
    """What stands behind a ``jwks_uri`` is no usable key set; the text says why."""


@dataclass(frozen=True, slots=True)
class KeyDocument:
    """A client's keys, and the certificates among them (RFC 8705 2.2.2)."""

    keys: KeySet = field(repr=False)
    certificates: RegisteredCertificates = field(repr=False)


def is_jwks_uri(uri: str) -> bool:
    """Whether a client may register a URI as ``jwks_uri``: https (FAPI 2.0 5.4.2)."""
    try:
        return parse_outbound_url(uri).scheme == "https"
    except InvalidUrlError:
        return False


def parse_key_document(content_type: str | None, body: bytes) -> KeyDocument:
    """Read a JWK Set (RFC 7517 8.5); raises ``InvalidKeyDocumentError``."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type not in KEY_MEDIA_TYPES:
        raise InvalidKeyDocumentError("the content type is not that of a key set")
    try:
        jwks = parse_json_object(body)
        certificates = RegisteredCertificates.parse_published(jwks)
        return KeyDocument(_keys(jwks, certificates), certificates)
    except (MalformedEncodingError, InvalidKeyError, InvalidCertificateError) as error:
        raise InvalidKeyDocumentError(str(error)) from error


def _keys(jwks: Mapping[str, object], certificates: RegisteredCertificates) -> KeySet:
    try:
        return KeySet.parse_published(jwks)
    except NoSignatureKeyError:
        if not certificates.certificates:
            raise
        return KeySet([])  # they may be of keys that sign nothing here


def lifetime_of(cache_control: str | None) -> int:
    """Seconds for which a key set counts, by its ``Cache-Control`` and within our bounds."""
    if cache_control is None:
        return DEFAULT_LIFETIME
    directives = [directive.strip() for directive in cache_control.split(",")]
    if not _UNCACHED.isdisjoint(directive.lower() for directive in directives):
        return SHORTEST_LIFETIME
    ages = [int(age[2]) for directive in directives if (age := _MAX_AGE.fullmatch(directive))]
    return min(max(min(ages, default=DEFAULT_LIFETIME), SHORTEST_LIFETIME), LONGEST_LIFETIME)
