"""Certificates that a proxy in front forwards in headers: RFC 9440, and nginx's escaped PEM.

The caller has made sure that the proxy is one of its own (``proxies``); even so nothing lenient:
a header that two parties could read differently is refused.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from ciba_service.protocol.client.certificates.certificate import (
    MAXIMUM_BASE64_LENGTH,
    MAXIMUM_INTERMEDIATES,
    InvalidCertificateError,
)

__all__ = ["InvalidCertificateHeaderError", "parse_client_cert", "parse_escaped_pem"]

_MAXIMUM_ITEM_LENGTH: Final = MAXIMUM_BASE64_LENGTH + 16
_MAXIMUM_LIST_LENGTH: Final = _MAXIMUM_ITEM_LENGTH * MAXIMUM_INTERMEDIATES
# Armour, line ends, and up to three characters for each of them.
_MAXIMUM_ESCAPED_LENGTH: Final = 3 * (MAXIMUM_BASE64_LENGTH + 1024)

_BYTE_SEQUENCE: Final = re.compile(rb":([A-Za-z0-9+/]+={0,2}):")
_SEPARATOR: Final = re.compile(rb"[ \t]*,[ \t]*")
# nginx escapes all but the unreserved; other proxies leave +, / and = as they are.
_ESCAPED: Final = re.compile(rb"(?:[A-Za-z0-9._~+/=-]|%[0-9A-Fa-f]{2})+")
_PEM: Final = re.compile(
    rb"-----BEGIN CERTIFICATE-----\r?\n"
    rb"((?:[A-Za-z0-9+/=]{1,76}\r?\n)+)"
    rb"-----END CERTIFICATE-----(?:\r?\n)?"
)


class InvalidCertificateHeaderError(InvalidCertificateError):
    """A forwarded certificate that is not written as it must be; the text says why."""


def parse_client_cert(client_cert: Sequence[bytes], chain: Sequence[bytes]) -> tuple[bytes, ...]:
    """Read the lines of ``Client-Cert`` and of ``Client-Cert-Chain`` (RFC 9440 2).

    Returns DER, the client's own first; empty when there is no header, so no certificate.

    Raises:
        InvalidCertificateHeaderError: when a header is malformed, repeated or too long, or there
            is a chain alone.
    """
    if not client_cert:
        if chain:
            raise InvalidCertificateHeaderError("Client-Cert-Chain stands alone")
        return ()
    leaf = _byte_sequence(_single(client_cert, _MAXIMUM_ITEM_LENGTH).strip(b" "))
    return (leaf, *_list(chain))


def parse_escaped_pem(lines: Sequence[bytes]) -> tuple[bytes, ...]:
    """Read the lines of a header that carries nginx's ``$ssl_client_escaped_cert``.

    Returns DER; empty when there is no header or an empty one, so no certificate.

    Raises:
        InvalidCertificateHeaderError: when the header is malformed, repeated or too long.
    """
    if not lines:
        return ()
    escaped = _single(lines, _MAXIMUM_ESCAPED_LENGTH)
    if not escaped:
        return ()
    if not _ESCAPED.fullmatch(escaped):
        raise InvalidCertificateHeaderError("the PEM is not percent-encoded")
    pem = _PEM.fullmatch(unquote_to_bytes(escaped))
    if pem is None:
        raise InvalidCertificateHeaderError("it is not one PEM certificate")
    return (_decoded(pem[1].replace(b"\r", b"").replace(b"\n", b"")),)


def _single(lines: Sequence[bytes], maximum: int) -> bytes:
    if len(lines) != 1:
        raise InvalidCertificateHeaderError("the header is repeated")
    [line] = lines
    if len(line) > maximum:
        raise InvalidCertificateHeaderError("the header is too long")
    return line


def _list(lines: Sequence[bytes]) -> tuple[bytes, ...]:
    # RFC 9651 4.2: the lines of a list are one list; one that is empty has no members.
    value = b",".join(lines).strip(b" ")
    if len(value) > _MAXIMUM_LIST_LENGTH:
        raise InvalidCertificateHeaderError("the header is too long")
    if not value:
        return ()
    items = _SEPARATOR.split(value, MAXIMUM_INTERMEDIATES)
    if len(items) > MAXIMUM_INTERMEDIATES:
        raise InvalidCertificateHeaderError("the chain is too long")
    return tuple(_byte_sequence(item) for item in items)


def _byte_sequence(item: bytes) -> bytes:
    match = _BYTE_SEQUENCE.fullmatch(item)
    if match is None:
        raise InvalidCertificateHeaderError("it is not a byte sequence")
    return _decoded(match[1])


def _decoded(text: bytes) -> bytes:
    try:
        data = b64decode(text, validate=True)
    except ValueError as error:
        raise InvalidCertificateHeaderError("it is not base64") from error
    # Left-over bits and padding in the middle: one text for one value.
    if b64encode(data) != text:
        raise InvalidCertificateHeaderError("it is not base64")
    return data
