"""Whom to believe at the other end (RFC 9525, FAPI-CIBA 7.9), and who we are if asked."""

import ssl
from typing import Final

__all__ = ["outbound_context"]

# BCP 195: what it recommends for TLS 1.2; those of TLS 1.3 are all good.
_TLS_1_2_SUITES: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"


def outbound_context(
    *,
    ca_bundle: str | None = None,
    certificate: str | None = None,
    key: str | None = None,
) -> ssl.SSLContext:
    """TLS 1.2 or newer with a verified certificate, by the system's authorities or one's own.

    Raises:
        OSError: when a file cannot be read or does not fit.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_TLS_1_2_SUITES)
    # RFC 9525 2: only alternative names count, never the common name.
    context.hostname_checks_common_name = False
    if ca_bundle is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.load_verify_locations(ca_bundle)
    if certificate is not None:
        # Without a password given here OpenSSL would ask at the terminal.
        context.load_cert_chain(certificate, key, lambda: "none")
    return context
