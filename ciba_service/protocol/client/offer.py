"""What the provider can do for a client, and what a client would lack here."""

from dataclasses import dataclass
from enum import StrEnum

from ciba_service.protocol.client.certificates.subject import RegisteredSubject
from ciba_service.protocol.client.metadata import Client

__all__ = ["Lack", "Offer"]


class Lack(StrEnum):
    """What a client needs and this provider does not have: the member that asks for it."""

    AUTHORITIES = "token_endpoint_auth_method"
    CERTIFICATES = "tls_client_certificate_bound_access_tokens"
    DETAIL_TYPES = "authorization_details_types"


@dataclass(frozen=True, slots=True)
class Offer:
    """What the configuration makes possible.

    ``has_authorities``: whether chains of client certificates can be validated.
    """

    takes_certificates: bool
    has_authorities: bool
    authorization_details_types: frozenset[str]

    def lack(self, client: Client) -> Lack | None:
        """The first thing that ``client`` needs and does not find here."""
        rule = client.certificate_rule
        needs_certificate = rule is not None or client.binding.certificate_bound
        if needs_certificate and not self.takes_certificates:
            return Lack.CERTIFICATES
        if isinstance(rule, RegisteredSubject) and not self.has_authorities:
            return Lack.AUTHORITIES
        if client.authorization_details_types - self.authorization_details_types:
            return Lack.DETAIL_TYPES
        return None
