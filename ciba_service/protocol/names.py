"""Registered words of OAuth, OpenID Connect and CIBA that go over the wire."""

from enum import StrEnum
from typing import Final

__all__ = [
    "ACCESS_TOKEN_TYP",
    "CIBA_GRANT_TYPE",
    "CLIENT_ASSERTION_TYPE",
    "ID_TOKEN_TYP",
    "OPENID_SCOPE",
    "PRIVATE_KEY_JWT",
    "REQUEST_OBJECT_TYP",
    "DeliveryMode",
]

CIBA_GRANT_TYPE: Final = "urn:openid:params:grant-type:ciba"
CLIENT_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PRIVATE_KEY_JWT: Final = "private_key_jwt"
OPENID_SCOPE: Final = "openid"
REQUEST_OBJECT_TYP: Final = "oauth-authz-req+jwt"
ACCESS_TOKEN_TYP: Final = "at+jwt"  # noqa: S105 - a media type
ID_TOKEN_TYP: Final = "JWT"  # noqa: S105 - a media type


class DeliveryMode(StrEnum):
    """How tokens reach the client (CIBA 5)."""

    POLL = "poll"
    PING = "ping"
    PUSH = "push"
