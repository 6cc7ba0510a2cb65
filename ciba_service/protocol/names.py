"""Registered words of OAuth, OpenID Connect and CIBA that go over the wire."""

from enum import StrEnum
from typing import Final

__all__ = [
    "ACCESS_TOKEN_TYP",
    "CIBA_GRANT_TYPE",
    "CLIENT_ASSERTION_TYPE",
    "ID_TOKEN_TYP",
    "INTROSPECTION_TYP",
    "OPENID_SCOPE",
    "PRIVATE_KEY_JWT",
    "REFRESH_TOKEN_GRANT_TYPE",
    "REQUEST_OBJECT_TYP",
    "AccessTokenFormat",
    "DeliveryMode",
    "SubjectType",
]

CIBA_GRANT_TYPE: Final = "urn:openid:params:grant-type:ciba"
REFRESH_TOKEN_GRANT_TYPE: Final = "refresh_token"  # noqa: S105 - a grant type
CLIENT_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PRIVATE_KEY_JWT: Final = "private_key_jwt"
OPENID_SCOPE: Final = "openid"
REQUEST_OBJECT_TYP: Final = "oauth-authz-req+jwt"
ACCESS_TOKEN_TYP: Final = "at+jwt"  # noqa: S105 - a media type
ID_TOKEN_TYP: Final = "JWT"  # noqa: S105 - a media type
INTROSPECTION_TYP: Final = "token-introspection+jwt"


class DeliveryMode(StrEnum):
    """How tokens reach the client (CIBA 5)."""

    POLL = "poll"
    PING = "ping"
    PUSH = "push"


class SubjectType(StrEnum):
    """Whether all clients call a user alike, or those of one sector (OpenID Connect Core 8)."""

    PUBLIC = "public"
    PAIRWISE = "pairwise"


class AccessTokenFormat(StrEnum):
    """Whether an access token says what it is about (RFC 9068), or only introspection does."""

    JWT = "jwt"
    OPAQUE = "opaque"
