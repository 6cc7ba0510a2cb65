"""What TLS the service speaks: 1.3, and 1.2 with two suites where it is switched on.

There are no session tickets, whose key RFC 9325 3.4 wants changed regularly. The mTLS listener
resumes nothing, so that each connection proves its certificate's key; the ordinary one keeps TLS
1.2 sessions in memory, as OpenSSL does, at most 20,480 of them.
"""

from dataclasses import dataclass
from typing import Final

from ciba_service.listening.tls.identity import InvalidTlsError, ServerIdentity

__all__ = ["TLS_1_2_SUITES", "TlsOffer"]

# FAPI-CIBA 7.9, without the DHE suites: the certification tests warn about those.
TLS_1_2_SUITES: Final = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=2"


@dataclass(frozen=True, slots=True)
class TlsOffer:
    """A server's identity, and whether it also speaks TLS 1.2."""

    identity: ServerIdentity
    tls_1_2: bool = False

    def __post_init__(self) -> None:
        if self.tls_1_2 and not self.identity.is_rsa:
            raise InvalidTlsError(
                "TLS 1.2 is switched on, but may only be used with an RSA certificate (FAPI-CIBA"
                f" 7.9), and the one in {self.identity.certificate_file} has another key: switch"
                " it off or configure an RSA certificate"
            )
