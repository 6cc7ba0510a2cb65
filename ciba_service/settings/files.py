"""The files that the settings name: they must be there and be what they are said to be."""

import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ciba_service.protocol.client.certificates.anchors import TrustAnchors
from ciba_service.protocol.client.certificates.certificate import InvalidCertificateError
from ciba_service.settings.sections import STANDARD_OUTPUT, InvalidSettingsError, Settings

__all__ = ["check_files", "file_digests"]

_READ_AT_THE_START: Final = {
    "server": ("tls_certificate", "tls_key"),
    "mtls": ("authorities",),
    "store": ("ca_file", "certificate_file", "key_file"),
    "outbound": ("ca_bundle", "client_certificate", "client_key"),
    "operator": ("tls_certificate", "tls_key"),
    "grants": ("tls_certificate", "tls_key"),
}


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


def file_digests(settings: Settings) -> dict[str, bytes]:
    """What stands by now in the files that sections name and that are read at the start only."""
    return {
        section: _digest(getattr(getattr(settings, section), key) for key in keys)
        for section, keys in _READ_AT_THE_START.items()
    }


def _digest(files: Iterable[str | None]) -> bytes:
    digest = sha256()
    for file in files:
        with suppress(OSError):  # It was there when it was checked.
            digest.update(sha256(Path(file).read_bytes() if file else b"").digest())
    return digest.digest()


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
