"""Certificate chains against configured trust anchors (RFC 5280 6, RFC 8705 2.1 and 7.4).

Paths, dates, signatures, path lengths, name constraints and unknown critical extensions are
cryptography's business; here stand the demands a client's certificate must meet beyond them.
A certificate needs no subject alternative name. Only RSA and ECDSA signatures with SHA-256 or
better are accepted in a chain. Revocation is not looked up: short-lived certificates, the
client's registration and its enabled flag take that place.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from ciba_service.protocol.client.certificates.certificate import (
    ClientCertificate,
    InvalidCertificateError,
    PresentedChain,
    load_certificate,
    reading_certificates,
)

__all__ = ["TrustAnchors"]


class TrustAnchors:
    """The certification authorities whose client certificates are believed."""

    __slots__ = ("_certificates", "_store")

    def __init__(self, certificates: list[x509.Certificate]) -> None:
        self._certificates = tuple(certificates)
        self._store = Store(certificates)

    @classmethod
    def parse(cls, pem: bytes) -> "TrustAnchors":
        """Read one or more PEM certificates of authorities.

        Raises:
            InvalidCertificateError: when there is none, or one is invalid or no authority's.
        """
        with reading_certificates():
            certificates = x509.load_pem_x509_certificates(pem)
            for certificate in certificates:
                load_certificate(certificate.public_bytes(Encoding.DER))
                if not _is_authority(certificate):
                    raise InvalidCertificateError("a trust anchor is not an authority's")
        return cls(certificates)

    def verify(self, chain: PresentedChain, *, now: float) -> ClientCertificate:
        """Find a valid path from the client's certificate to an anchor; ``now`` is in seconds.

        Raises:
            InvalidCertificateError: when there is none; the text says why.
        """
        with reading_certificates():
            verifier = (
                PolicyBuilder()
                .store(self._store)
                .time(datetime.fromtimestamp(now, tz=UTC))
                .extension_policies(ca_policy=_AUTHORITY_POLICY, ee_policy=_CLIENT_POLICY)
                .build_client_verifier()
            )
            try:
                verifier.verify(chain.leaf.decoded, self._led_to(chain.intermediates))
            except VerificationError as error:
                # It quotes strangers' names: whatever they hold, the log gets printable ASCII.
                raise InvalidCertificateError(f"no trusted chain: {str(error)!a}") from error
        return chain.leaf

    def _led_to(self, presented: Iterable[x509.Certificate]) -> list[x509.Certificate]:
        """Those that an anchor signed, or an authority below one: no others are on any path.

        Anybody can present others. A maze of them, or limits on a thousand names, would take the
        search a hundred times as long as usual.
        """
        issuers, left = list(self._certificates), list(presented)
        for issuer in issuers:  # those that are found join them
            signed = [certificate for certificate in left if _has_signed(issuer, certificate)]
            left = [certificate for certificate in left if certificate not in signed]
            issuers += signed
        return issuers[len(self._certificates) :]


def _has_signed(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
    return _is_authority(issuer)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return extension.value.ca


def _not_an_authority(
    _policy: Policy, _certificate: x509.Certificate, constraints: x509.BasicConstraints | None
) -> None:
    if constraints is not None and constraints.ca:
        raise InvalidCertificateError("an authority's certificate is no client's")


def _signs_handshakes(
    _policy: Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    # RFC 8446 4.4.2.2: digitalSignature must be set where the extension is present.
    if usage is not None and not usage.digital_signature:
        raise InvalidCertificateError("the key usage lacks digitalSignature")


def _signs_certificates(
    _policy: Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise InvalidCertificateError("the key usage of an authority lacks keyCertSign")


def _authenticates_clients(
    _policy: Policy, _certificate: x509.Certificate, purposes: x509.ExtendedKeyUsage | None
) -> None:
    if purposes is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        raise InvalidCertificateError("the purposes lack clientAuth")


def _certifies_clients(
    _policy: Policy, _certificate: x509.Certificate, purposes: x509.ExtendedKeyUsage | None
) -> None:
    allowed = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if purposes is not None and allowed.isdisjoint(purposes):
        raise InvalidCertificateError("the purposes of an authority lack clientAuth")


_CLIENT_POLICY: Final = (
    ExtensionPolicy.permit_all()
    .may_be_present(x509.BasicConstraints, Criticality.AGNOSTIC, _not_an_authority)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs_handshakes)
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _authenticates_clients)
)
# Limits on directory names cannot be evaluated. RFC 5280 4.2.1.10 has the extension critical, and
# then such an authority is refused; one that is not critical would be passed over in silence.
_AUTHORITY_POLICY: Final = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs_certificates)
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _certifies_clients)
    .may_be_present(x509.NameConstraints, Criticality.CRITICAL, None)
)
