"""Client metadata for mutual TLS: which certificate proves the client (RFC 8705 2.1.2, 2.2.2)."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from ciba_service.protocol.client.certificates.certificate import InvalidCertificateError
from ciba_service.protocol.client.certificates.names import InvalidNameError
from ciba_service.protocol.client.certificates.self_signed import RegisteredCertificates
from ciba_service.protocol.client.certificates.subject import RegisteredSubject, SubjectMember

__all__ = [
    "CertificateMethod",
    "CertificateRule",
    "InvalidCertificateMetadataError",
    "register_certificate_rule",
]

CertificateRule = RegisteredSubject | RegisteredCertificates


class CertificateMethod(StrEnum):
    """Values of ``token_endpoint_auth_method`` that use mutual TLS."""

    TLS_CLIENT_AUTH = "tls_client_auth"
    SELF_SIGNED = "self_signed_tls_client_auth"


class InvalidCertificateMetadataError(ValueError):
    """The metadata breaks a rule of mutual TLS; the text names the member and says why."""


class _Metadata(msgspec.Struct, frozen=True, kw_only=True):
    token_endpoint_auth_method: str | None = None
    jwks: dict[str, object] | None = None
    jwks_uri: str | None = None
    tls_client_auth_subject_dn: str | None = None
    tls_client_auth_san_dns: str | None = None
    tls_client_auth_san_uri: str | None = None
    tls_client_auth_san_ip: str | None = None
    tls_client_auth_san_email: str | None = None


def register_certificate_rule(members: Mapping[str, object]) -> CertificateRule | None:
    """Take what proves a client by certificate out of its metadata; ``None`` for other methods.

    With ``jwks_uri`` the rule is an empty ``RegisteredCertificates``, to be replaced by those of
    the key set that is found there.

    Raises:
        InvalidCertificateMetadataError: naming the member that breaks a rule.
    """
    try:
        metadata = msgspec.convert(members, _Metadata)
    except msgspec.ValidationError as error:
        raise InvalidCertificateMetadataError(str(error)) from error
    subjects = _subjects(metadata)
    match metadata.token_endpoint_auth_method:
        case CertificateMethod.TLS_CLIENT_AUTH:
            return _registered_subject(subjects)
        case method if subjects:
            member = next(iter(subjects))
            raise InvalidCertificateMetadataError(f"{member}: it does not go with {method}")
        case CertificateMethod.SELF_SIGNED:
            return _registered_certificates(metadata)
        case _:
            return None


def _subjects(metadata: _Metadata) -> dict[SubjectMember, str]:
    values = {member: getattr(metadata, member) for member in SubjectMember}
    return {member: value for member, value in values.items() if value is not None}


def _registered_subject(subjects: Mapping[SubjectMember, str]) -> RegisteredSubject:
    if len(subjects) != 1:
        raise InvalidCertificateMetadataError(
            f"{CertificateMethod.TLS_CLIENT_AUTH} needs exactly one of {', '.join(SubjectMember)}"
        )
    [(member, text)] = subjects.items()
    try:
        return RegisteredSubject.parse(member, text)
    except InvalidNameError as error:
        raise InvalidCertificateMetadataError(f"{member}: {error}") from error


def _registered_certificates(metadata: _Metadata) -> RegisteredCertificates:
    if (metadata.jwks is None) == (metadata.jwks_uri is None):  # RFC 7591 2: not both
        raise InvalidCertificateMetadataError(
            f"{CertificateMethod.SELF_SIGNED} needs either jwks or jwks_uri"
        )
    if metadata.jwks is None:
        return RegisteredCertificates()
    try:
        return RegisteredCertificates.parse(metadata.jwks)
    except InvalidCertificateError as error:
        raise InvalidCertificateMetadataError(f"jwks: {error}") from error
