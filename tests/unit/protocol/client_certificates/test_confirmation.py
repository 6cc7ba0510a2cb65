"""Certificate-bound tokens: the confirmation, and who may use them."""

import msgspec
import pytest

from ciba_service.protocol.client.certificates.confirmation import (
    CertificateConfirmation,
    CertificateMismatchError,
    verify_confirmation,
)
from tests.unit.protocol.client_certificates.authority import presented, self_signed


@pytest.mark.clause("rfc8705-3.1-1")
def test_the_confirmation_is_the_thumbprint_under_its_registered_name():
    """It is written and read as ``x5t#S256``."""
    certificate = presented(self_signed()).leaf
    confirmation = CertificateConfirmation.of(certificate)
    encoded = msgspec.json.encode(confirmation)
    assert msgspec.json.decode(encoded) == {"x5t#S256": certificate.thumbprint}
    assert msgspec.json.decode(encoded, type=CertificateConfirmation) == confirmation


def test_the_bound_certificate_may_use_the_token():
    """Out of its dates too: possession is what it proves (RFC 8705 6.2)."""
    certificate = presented(self_signed(days=(-2, -1))).leaf
    confirmation = CertificateConfirmation.of(certificate)
    assert verify_confirmation(certificate, confirmation=confirmation) is certificate


def test_another_certificate_or_none_may_not():
    """A renewed certificate of the same key is another."""
    confirmation = CertificateConfirmation.of(presented(self_signed()).leaf)
    for other in (None, presented(self_signed(days=(-1, 31))).leaf):
        with pytest.raises(CertificateMismatchError):
            verify_confirmation(other, confirmation=confirmation)
