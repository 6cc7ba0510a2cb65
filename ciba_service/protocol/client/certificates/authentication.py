"""Mutual TLS client authentication: a client proves who it is by its certificate (RFC 8705 2)."""

from collections.abc import Mapping
from typing import assert_never

from ciba_service.protocol.client.certificates.anchors import TrustAnchors
from ciba_service.protocol.client.certificates.certificate import (
    ClientCertificate,
    InvalidCertificateError,
    PresentedChain,
    verify_dates,
)
from ciba_service.protocol.client.certificates.registration import CertificateRule
from ciba_service.protocol.client.certificates.self_signed import RegisteredCertificates
from ciba_service.protocol.client.certificates.subject import RegisteredSubject
from ciba_service.protocol.errors import InvalidClientError, Reason
from ciba_service.protocol.security_events.causes import Cause

__all__ = ["parse_certificate_client", "verify_client_certificate"]

_OTHER_METHODS = ("client_secret", "client_assertion", "client_assertion_type")


def parse_certificate_client(form: Mapping[str, str]) -> str:
    """The ``client_id`` of a request that is authenticated by its certificate alone.

    Raises:
        InvalidClientError: when it is missing, or another method is used as well (RFC 6749 2.3).
    """
    if any(name in form for name in _OTHER_METHODS):
        raise InvalidClientError from Reason(
            "another authentication method is used as well", Cause.METHOD
        )
    client_id = form.get("client_id")
    if not client_id:
        raise InvalidClientError from Reason("client_id is missing", Cause.MISSING)
    return client_id


def verify_client_certificate(
    presented: PresentedChain | None,
    *,
    rule: CertificateRule,
    anchors: TrustAnchors | None,
    now: float,
) -> ClientCertificate:
    """Hold what was presented against the rule of a client; ``now`` is in seconds.

    Without ``anchors`` no ``tls_client_auth`` client can authenticate.

    Raises:
        InvalidClientError: when there is no certificate, or it does not prove that client; the
            reason is its cause.
    """
    if presented is None:
        raise InvalidClientError from Reason("no client certificate was presented", Cause.MISSING)
    try:
        match rule:
            case RegisteredSubject():
                return _verify_subject(presented, rule, anchors, now)
            case RegisteredCertificates():
                return _verify_registered(presented.leaf, rule, now)
            case _:
                assert_never(rule)
    except InvalidCertificateError as error:
        raise InvalidClientError from Reason(f"client certificate: {error}", Cause.CERTIFICATE)


def _verify_subject(
    presented: PresentedChain, rule: RegisteredSubject, anchors: TrustAnchors | None, now: float
) -> ClientCertificate:
    if anchors is None:
        raise InvalidCertificateError("no trust anchors are configured")
    certificate = anchors.verify(presented, now=now)
    if not rule.is_of(certificate):
        raise InvalidCertificateError(f"{rule.member} is not in it")
    return certificate


def _verify_registered(
    certificate: ClientCertificate, rule: RegisteredCertificates, now: float
) -> ClientCertificate:
    # RFC 8705 2.2: no chain, but a certificate whose time is over proves nothing any more.
    if certificate not in rule:
        raise InvalidCertificateError("it is not registered")
    return verify_dates(certificate, now=now)
