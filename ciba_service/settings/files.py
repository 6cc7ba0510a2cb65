"""The files that the settings name: they must be there and be what they are said to be."""

import ssl
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from ciba_service.protocol.client.certificates.anchors import TrustAnchors
from ciba_service.protocol.client.certificates.certificate import InvalidCertificateError
from ciba_service.settings.sections import STANDARD_OUTPUT, InvalidSettingsError, Settings

__all__ = ["check_files"]


def check_files(settings: Settings) -> None:
    """Load certificates, keys and authorities once; raises ``InvalidSettingsError``.

    What is to trace must be installed.
    """
    _check_extra(settings)
    server, store, outbound = settings.server, settings.store, settings.outbound
    operator, grants = settings.operator, settings.grants
    for key, certificate, private_key in (
        ("server.tls_certificate", server.tls_certificate, server.tls_key),
        ("store.certificate_file", store.certificate_file, store.key_file),
        ("operator.tls_certificate", operator.tls_certificate, operator.tls_key),
        ("grants.tls_certificate", grants.tls_certificate, grants.tls_key),
        ("outbound.client_certificate", outbound.client_certificate, outbound.client_key),
    ):
        if certificate is not None and private_key is not None:
            _check_pair(key, certificate, private_key)
    _check_event_file(settings.security_events.file)
    if settings.mtls.authorities is not None:
        _check_authorities(settings.mtls.authorities)
    for key, bundle in (
        ("store.ca_file", store.ca_file),
        ("outbound.ca_bundle", outbound.ca_bundle),
    ):
        if bundle is not None:
            _check_bundle(key, bundle)


def _check_extra(settings: Settings) -> None:
    if settings.tracing.enabled and find_spec("opentelemetry") is None:
        raise InvalidSettingsError(
            "tracing.enabled needs opentelemetry-api: install the extra otel"
        )


def _check_event_file(file: str | None) -> None:
    if file is None or file == STANDARD_OUTPUT:
        return
    directory = Path(file).parent
    if not directory.is_dir():
        raise InvalidSettingsError(f"security_events.file: {directory} is no directory")


def _check_authorities(file: str) -> None:
    try:
        TrustAnchors.parse(Path(file).read_bytes())
    except InvalidCertificateError as error:
        raise InvalidSettingsError(f"mtls.authorities: {file} does not fit: {error}") from error
    except OSError as error:
        raise InvalidSettingsError(
            f"mtls.authorities: {file} cannot be read: {error.strerror}"
        ) from error


def _check_bundle(key: str, file: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load(key, file, lambda: context.load_verify_locations(file))


def _check_pair(key: str, certificate: str, private_key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Without a password given here OpenSSL would ask at the terminal.
    _load(
        key, certificate, lambda: context.load_cert_chain(certificate, private_key, lambda: "none")
    )


def _load(key: str, file: str, load: Callable[[], None]) -> None:
    try:
        load()
    except ssl.SSLError as error:
        raise InvalidSettingsError(f"{key}: {file} does not fit: {error.reason}") from error
    except OSError as error:
        raise InvalidSettingsError(f"{key}: {file} cannot be read: {error.strerror}") from error
