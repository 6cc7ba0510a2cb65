"""How a client proves who it is."""

from enum import StrEnum

__all__ = ["ClientAuthenticationMethod"]


class ClientAuthenticationMethod(StrEnum):
    """``token_endpoint_auth_method`` as registered (OpenID Connect Core 9, RFC 8705 2)."""

    PRIVATE_KEY_JWT = "private_key_jwt"
    TLS_CLIENT_AUTH = "tls_client_auth"
    SELF_SIGNED_TLS_CLIENT_AUTH = "self_signed_tls_client_auth"
