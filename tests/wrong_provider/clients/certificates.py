"""The client's certificate (RFC 8705), where the connection is one of TLS."""

import hashlib
from base64 import urlsafe_b64encode

from starlette.requests import Request

__all__ = ["CERTIFICATE", "certificate_of", "thumbprint"]

CERTIFICATE = "wrong_provider.certificate"
"""Where the listener puts the certificate of a connection, DER."""


def certificate_of(request: Request) -> bytes | None:
    """What the client presented."""
    found = request.scope.get("state", {}).get(CERTIFICATE)
    return found if isinstance(found, bytes) else None


def thumbprint(certificate: bytes) -> str:
    """``x5t#S256`` of a certificate."""
    return urlsafe_b64encode(hashlib.sha256(certificate).digest()).rstrip(b"=").decode()
