"""A client's X.509 certificate, parsed once and completely: odd ones are refused, never carried on.

Nothing of it is trusted yet: ``anchors`` and ``self_signed`` say whose it is.
"""

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from ciba_service.protocol.client.certificates.names import (
    AlternativeNames,
    DistinguishedName,
    InvalidNameError,
)
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.jose.keys import MAXIMUM_RSA_BITS, MINIMUM_RSA_BITS

__all__ = [
    "MAXIMUM_BASE64_LENGTH",
    "MAXIMUM_CERTIFICATE_LENGTH",
    "MAXIMUM_INTERMEDIATES",
    "CertificateKey",
    "ClientCertificate",
    "InvalidCertificateError",
    "PresentedChain",
    "load_certificate",
    "reading_certificates",
    "thumbprint_of",
    "verify_dates",
]

MAXIMUM_CERTIFICATE_LENGTH: Final = 16_384  # bytes of DER
MAXIMUM_BASE64_LENGTH: Final = -(-MAXIMUM_CERTIFICATE_LENGTH // 3) * 4
MAXIMUM_INTERMEDIATES: Final = 5

CertificateKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
# What cryptography raises on bytes that are no certificate, some of it only when a field is read.
_MALFORMED: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


class InvalidCertificateError(ValueError):
    """A certificate that is malformed, odd, weak or out of its dates; the text says why."""


@contextmanager
def reading_certificates() -> Iterator[None]:
    """Turn what cryptography raises about malformed certificates into ``InvalidCertificateError``.

    Its warnings about strangers' certificates are silenced: they would only fill the log.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            yield
        except InvalidCertificateError:
            raise
        except InvalidNameError as error:
            raise InvalidCertificateError(str(error)) from error
        except _MALFORMED as error:
            raise InvalidCertificateError("the certificate is malformed") from error


def thumbprint_of(der: bytes) -> str:
    """``x5t#S256`` of a certificate: the base64url SHA-256 of its DER (RFC 8705 3.1)."""
    return base64url(hashlib.sha256(der).digest())


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A parsed certificate; two are equal when their DER bytes are.

    ``thumbprint`` is ``x5t#S256``: the base64url SHA-256 of the DER (RFC 8705 3.1).
    """

    der: bytes = field(repr=False)
    thumbprint: str = field(compare=False)
    subject: DistinguishedName = field(compare=False)
    alternative_names: AlternativeNames = field(compare=False)
    public_key: CertificateKey = field(compare=False, repr=False)
    not_before: datetime = field(compare=False)
    not_after: datetime = field(compare=False)
    decoded: x509.Certificate = field(compare=False, repr=False)

    @classmethod
    def parse(cls, der: bytes) -> "ClientCertificate":
        """Read DER.

        Raises:
            InvalidCertificateError: when it is too long, malformed, odd, or has a weak key.
        """
        with reading_certificates():
            certificate = load_certificate(der)
            return cls(
                der=der,
                thumbprint=thumbprint_of(der),
                subject=DistinguishedName.of(certificate.subject),
                alternative_names=_alternative_names(certificate.extensions),
                public_key=_strong_key(certificate),
                not_before=certificate.not_valid_before_utc,
                not_after=certificate.not_valid_after_utc,
                decoded=certificate,
            )


@dataclass(frozen=True, slots=True)
class PresentedChain:
    """What came with the TLS handshake: the client's certificate, then intermediates (RFC 8446)."""

    leaf: ClientCertificate
    intermediates: tuple[x509.Certificate, ...] = field(default=(), repr=False)

    @classmethod
    def parse(cls, ders: Sequence[bytes]) -> "PresentedChain":
        """Read DER certificates, the client's own first.

        Raises:
            InvalidCertificateError: when there is none, one is invalid, or there are too many.
        """
        if not 1 <= len(ders) <= MAXIMUM_INTERMEDIATES + 1:
            raise InvalidCertificateError(
                f"a chain has 1 to {MAXIMUM_INTERMEDIATES + 1} certificates"
            )
        leaf = ClientCertificate.parse(ders[0])
        return cls(leaf, tuple(load_certificate(der) for der in ders[1:]))


def load_certificate(der: bytes) -> x509.Certificate:
    """Read DER of a certificate whose names do not matter, such as an authority's.

    Raises:
        InvalidCertificateError: when it is too long, malformed, odd, or has a weak key.
    """
    if len(der) > MAXIMUM_CERTIFICATE_LENGTH:
        raise InvalidCertificateError("the certificate is too long")
    with reading_certificates():
        certificate = x509.load_der_x509_certificate(der)
        if certificate.serial_number <= 0:  # RFC 5280 4.1.2.2
            raise InvalidCertificateError("the serial number is not positive")
        _strong_key(certificate)
        return certificate


def verify_dates(certificate: ClientCertificate, *, now: float) -> ClientCertificate:
    """Hold ``now``, in seconds, against the dates of a certificate (RFC 5280 4.1.2.5).

    Raises:
        InvalidCertificateError: when it is not yet valid or has expired.
    """
    instant = datetime.fromtimestamp(now, tz=UTC)
    if instant < certificate.not_before:
        raise InvalidCertificateError("the certificate is not yet valid")
    if instant > certificate.not_after:
        raise InvalidCertificateError("the certificate has expired")
    return certificate


def _strong_key(certificate: x509.Certificate) -> CertificateKey:
    key = certificate.public_key()
    match key:
        case rsa.RSAPublicKey() if MINIMUM_RSA_BITS <= key.key_size <= MAXIMUM_RSA_BITS:
            return key
        case ec.EllipticCurvePublicKey() if isinstance(key.curve, _CURVES):
            return key
        case ed25519.Ed25519PublicKey():
            return key
        case _:
            raise InvalidCertificateError("the key of the certificate is weak or of another kind")


def _alternative_names(extensions: x509.Extensions) -> AlternativeNames:
    try:
        extension = extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return AlternativeNames.of(())
    return AlternativeNames.of(extension.value)
