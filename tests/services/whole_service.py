"""The service with every endpoint that docs/openapi.yaml describes switched on."""

import secrets
from typing import Any, Final

from tests.wire.grants import token_endpoint
from tests.wire.registration import registration_section

__all__ = ["EVERYTHING", "TOKEN_ENDPOINT_TOKEN"]

TOKEN_ENDPOINT_TOKEN: Final = secrets.token_urlsafe(32)
"""The bearer token of the token endpoint that may ask for grants."""

# Sections of the configuration; an endpoint that is off by default is switched on here.
EVERYTHING: Final[dict[str, Any]] = {
    "registration": registration_section(),
    # An address that is never asked: nothing leaves this machine.
    "security_events": {"receivers": [{"name": "siem", "url": "https://127.0.0.1:1/"}]},
    "resource": {"enabled": True, "unbound_tokens": True},
    "token_endpoints": [token_endpoint("bank", TOKEN_ENDPOINT_TOKEN)],
}
