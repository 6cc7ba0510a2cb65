"""Access tokens bound to a certificate: ``cnf`` with ``x5t#S256`` (RFC 8705 3)."""

import msgspec

from ciba_service.protocol.client.certificates.certificate import ClientCertificate
from ciba_service.protocol.comparison import equal_secrets

__all__ = ["CertificateConfirmation", "CertificateMismatchError", "verify_confirmation"]


class CertificateMismatchError(ValueError):
    """A bound token came without its certificate; at a resource 401 ``invalid_token``."""


class CertificateConfirmation(msgspec.Struct, frozen=True, rename={"thumbprint": "x5t#S256"}):
    """The ``cnf`` of a bound token, the same in the token and in introspection."""

    thumbprint: str

    @classmethod
    def of(cls, certificate: ClientCertificate) -> "CertificateConfirmation":
        """Bind to the certificate of the connection on which the token is asked for."""
        return cls(certificate.thumbprint)


def verify_confirmation(
    presented: ClientCertificate | None, *, confirmation: CertificateConfirmation
) -> ClientCertificate:
    """Hold the certificate of a connection against the one a token is bound to.

    Its chain does not matter: it only proves possession (RFC 8705 6.2).

    Raises:
        CertificateMismatchError: when there is none or another one.
    """
    if presented is None:
        raise CertificateMismatchError("no client certificate was presented")
    if not equal_secrets(presented.thumbprint, confirmation.thumbprint):
        raise CertificateMismatchError("the token is bound to another certificate")
    return presented
