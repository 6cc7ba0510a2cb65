"""What the provider publishes about itself (OpenID Discovery 3, RFC 8414 2, CIBA 4)."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import msgspec

from ciba_service.protocol.client.certificates.registration import CertificateMethod
from ciba_service.protocol.jose.algorithms import ALGORITHMS_BY_PREFERENCE, SignatureAlgorithm
from ciba_service.protocol.names import (
    CIBA_GRANT_TYPE,
    PRIVATE_KEY_JWT,
    REFRESH_TOKEN_GRANT_TYPE,
    DeliveryMode,
    SubjectType,
)
from ciba_service.protocol.tokens.dpop.proof import PROOF_ALGORITHMS

__all__ = ["Endpoints", "ProviderMetadata", "provider_metadata"]

_WELL_KNOWN_OPENID: Final = "/.well-known/openid-configuration"
_WELL_KNOWN_OAUTH: Final = "/.well-known/oauth-authorization-server"
_WELL_KNOWN_SSF: Final = "/.well-known/ssf-configuration"

_REGISTRATION: Final = "registration_endpoint"
_ALIASED: Final = {
    "token_endpoint": "/token",
    "backchannel_authentication_endpoint": "/bc-authorize",
    "introspection_endpoint": "/introspect",
    "revocation_endpoint": "/revoke",
    "userinfo_endpoint": "/userinfo",
    _REGISTRATION: "/register",
}


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where things are: URLs below the issuer, and their paths on this host.

    ``mtls_base`` is what URLs begin with where client certificates are asked for (RFC 8705 5);
    ``takes_registrations``: whether clients may register themselves.
    """

    issuer: str
    mtls_base: str | None = None
    takes_registrations: bool = False

    def url(self, path: str) -> str:
        """Absolute URL of an endpoint."""
        return f"{self.issuer.rstrip('/')}{path}"

    def path(self, path: str) -> str:
        """The same as a path on this host."""
        return f"{self._base}{path}"

    @property
    def _base(self) -> str:
        return urlsplit(self.issuer).path.rstrip("/")

    def aliases(self) -> dict[str, str]:
        """``mtls_endpoint_aliases``; every name in it is a member of the document as well."""
        if self.mtls_base is None:
            return {}
        return {
            name: self._mtls_url(path)
            for name, path in _ALIASED.items()
            if name != _REGISTRATION or self.takes_registrations
        }

    def addresses(self, name: str) -> frozenset[str]:
        """Every URL of an endpoint: its own and its alias."""
        return self.urls(_ALIASED[name])

    def urls(self, path: str) -> frozenset[str]:
        """Every URL of whatever is at this path: below the issuer, and where certificates are."""
        own = self.url(path)
        return frozenset({own} if self.mtls_base is None else {own, self._mtls_url(path)})

    def _mtls_url(self, path: str) -> str:
        return f"{(self.mtls_base or '').rstrip('/')}{self._base}{path}"

    @property
    def authorization(self) -> str:
        """Authorization endpoint, which has no response type to offer."""
        return self.url("/authorize")

    @property
    def backchannel(self) -> str:
        """Backchannel authentication endpoint (CIBA 7)."""
        return self.url("/bc-authorize")

    @property
    def token(self) -> str:
        """Token endpoint (CIBA 10.1)."""
        return self.url("/token")

    @property
    def introspection(self) -> str:
        """Introspection endpoint (RFC 7662)."""
        return self.url("/introspect")

    @property
    def revocation(self) -> str:
        """Revocation endpoint (RFC 7009)."""
        return self.url("/revoke")

    @property
    def userinfo(self) -> str:
        """Userinfo endpoint (OpenID Connect Core 5.3)."""
        return self.url("/userinfo")

    @property
    def registration(self) -> str | None:
        """Client registration endpoint (RFC 7591 3), if there is one."""
        return self.url("/register") if self.takes_registrations else None

    def client_configuration(self, client_id: str) -> str:
        """Client configuration endpoint (RFC 7592 2) of a client."""
        return self.url(f"/register/{client_id}")

    @property
    def jwks(self) -> str:
        """Key set of the provider."""
        return self.url("/jwks")

    @property
    def openid_configuration_path(self) -> str:
        """OpenID Discovery 4: appended to the issuer."""
        return self.path(_WELL_KNOWN_OPENID)

    @property
    def oauth_metadata_path(self) -> str:
        """RFC 8414 3: inserted between host and the issuer's path."""
        return f"{_WELL_KNOWN_OAUTH}{self._base}"

    @property
    def ssf_metadata_path(self) -> str:
        """SSF 7.1: likewise."""
        return f"{_WELL_KNOWN_SSF}{self._base}"

    def websocket(self, path: str) -> str:
        """Absolute WebSocket URL."""
        return "ws" + self.url(path).removeprefix("http")


class ProviderMetadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The metadata document, member for member; an empty member is left out (RFC 8414 3.2)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    backchannel_authentication_endpoint: str
    backchannel_token_delivery_modes_supported: tuple[str, ...]
    backchannel_authentication_request_signing_alg_values_supported: tuple[str, ...]
    backchannel_user_code_parameter_supported: bool
    claims_parameter_supported: bool
    grant_types_supported: tuple[str, ...]
    response_types_supported: tuple[str, ...]
    scopes_supported: tuple[str, ...]
    subject_types_supported: tuple[str, ...]
    id_token_signing_alg_values_supported: tuple[str, ...]
    token_endpoint_auth_methods_supported: tuple[str, ...]
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...]
    introspection_endpoint: str
    introspection_endpoint_auth_methods_supported: tuple[str, ...]
    introspection_endpoint_auth_signing_alg_values_supported: tuple[str, ...]
    introspection_signing_alg_values_supported: tuple[str, ...] = ()
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: tuple[str, ...]
    revocation_endpoint_auth_signing_alg_values_supported: tuple[str, ...]
    userinfo_endpoint: str
    registration_endpoint: str | None = None
    dpop_signing_alg_values_supported: tuple[str, ...]
    tls_client_certificate_bound_access_tokens: bool = False
    mtls_endpoint_aliases: dict[str, str] = {}
    acr_values_supported: tuple[str, ...]
    authorization_details_types_supported: tuple[str, ...] = ()


def provider_metadata(
    *,
    endpoints: Endpoints,
    delivery_modes: frozenset[DeliveryMode],
    issues_refresh_tokens: bool,
    client_algorithms: frozenset[SignatureAlgorithm],
    id_token_algorithms: frozenset[SignatureAlgorithm],
    introspection_algorithms: frozenset[SignatureAlgorithm],
    scopes: frozenset[str],
    subject_types: frozenset[SubjectType],
    acr_values: tuple[str, ...],
    authorization_details_types: tuple[str, ...],
) -> ProviderMetadata:
    """Describe the provider as configured; there is no front channel, so no response type."""
    certificate_methods = tuple(method.value for method in CertificateMethod)
    methods = (PRIVATE_KEY_JWT, *(certificate_methods if endpoints.mtls_base else ()))
    return ProviderMetadata(
        issuer=endpoints.issuer,
        authorization_endpoint=endpoints.authorization,
        token_endpoint=endpoints.token,
        jwks_uri=endpoints.jwks,
        backchannel_authentication_endpoint=endpoints.backchannel,
        backchannel_token_delivery_modes_supported=tuple(
            mode.value for mode in DeliveryMode if mode in delivery_modes
        ),
        backchannel_authentication_request_signing_alg_values_supported=_names(client_algorithms),
        backchannel_user_code_parameter_supported=True,
        claims_parameter_supported=True,
        grant_types_supported=(
            (CIBA_GRANT_TYPE, REFRESH_TOKEN_GRANT_TYPE)
            if issues_refresh_tokens
            else (CIBA_GRANT_TYPE,)
        ),
        response_types_supported=(),
        scopes_supported=tuple(sorted(scopes)),
        subject_types_supported=tuple(each.value for each in SubjectType if each in subject_types),
        id_token_signing_alg_values_supported=_names(id_token_algorithms),
        token_endpoint_auth_methods_supported=methods,
        token_endpoint_auth_signing_alg_values_supported=_names(client_algorithms),
        introspection_endpoint=endpoints.introspection,
        introspection_endpoint_auth_methods_supported=methods,
        introspection_endpoint_auth_signing_alg_values_supported=_names(client_algorithms),
        introspection_signing_alg_values_supported=_names(introspection_algorithms),
        revocation_endpoint=endpoints.revocation,
        revocation_endpoint_auth_methods_supported=methods,
        revocation_endpoint_auth_signing_alg_values_supported=_names(client_algorithms),
        userinfo_endpoint=endpoints.userinfo,
        registration_endpoint=endpoints.registration,
        dpop_signing_alg_values_supported=_names(client_algorithms & PROOF_ALGORITHMS),
        tls_client_certificate_bound_access_tokens=endpoints.mtls_base is not None,
        mtls_endpoint_aliases=endpoints.aliases(),
        acr_values_supported=acr_values,
        authorization_details_types_supported=authorization_details_types,
    )


def _names(algorithms: frozenset[SignatureAlgorithm]) -> tuple[str, ...]:
    return tuple(alg.value for alg in ALGORITHMS_BY_PREFERENCE if alg in algorithms)
