"""What the provider publishes about itself (OpenID Discovery 3, RFC 8414 2, CIBA 4)."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import msgspec

from ciba_service.protocol.jose.algorithms import ALGORITHMS_BY_PREFERENCE, SignatureAlgorithm
from ciba_service.protocol.names import CIBA_GRANT_TYPE, PRIVATE_KEY_JWT, DeliveryMode

__all__ = ["Endpoints", "ProviderMetadata", "provider_metadata"]

_WELL_KNOWN_OPENID: Final = "/.well-known/openid-configuration"
_WELL_KNOWN_OAUTH: Final = "/.well-known/oauth-authorization-server"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where things are: URLs below the issuer, and their paths on this host."""

    issuer: str

    def url(self, path: str) -> str:
        """Absolute URL of an endpoint."""
        return f"{self.issuer.rstrip('/')}{path}"

    def path(self, path: str) -> str:
        """The same as a path on this host."""
        return f"{self._base}{path}"

    @property
    def _base(self) -> str:
        return urlsplit(self.issuer).path.rstrip("/")

    @property
    def backchannel(self) -> str:
        """Backchannel authentication endpoint (CIBA 7)."""
        return self.url("/bc-authorize")

    @property
    def token(self) -> str:
        """Token endpoint (CIBA 10.1)."""
        return self.url("/token")

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

    def websocket(self, path: str) -> str:
        """Absolute WebSocket URL."""
        return "ws" + self.url(path).removeprefix("http")


class ProviderMetadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The metadata document, member for member; an empty member is left out (RFC 8414 3.2)."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    backchannel_authentication_endpoint: str
    backchannel_token_delivery_modes_supported: tuple[str, ...]
    backchannel_authentication_request_signing_alg_values_supported: tuple[str, ...]
    backchannel_user_code_parameter_supported: bool
    grant_types_supported: tuple[str, ...]
    response_types_supported: tuple[str, ...]
    scopes_supported: tuple[str, ...]
    subject_types_supported: tuple[str, ...]
    id_token_signing_alg_values_supported: tuple[str, ...]
    token_endpoint_auth_methods_supported: tuple[str, ...]
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...]
    acr_values_supported: tuple[str, ...]
    authorization_details_types_supported: tuple[str, ...] = ()


def provider_metadata(
    *,
    endpoints: Endpoints,
    delivery_modes: frozenset[DeliveryMode],
    client_algorithms: frozenset[SignatureAlgorithm],
    id_token_algorithms: frozenset[SignatureAlgorithm],
    scopes: frozenset[str],
    acr_values: tuple[str, ...],
    authorization_details_types: tuple[str, ...],
) -> ProviderMetadata:
    """Describe the provider as configured; there is no front channel, so no response type."""
    return ProviderMetadata(
        issuer=endpoints.issuer,
        token_endpoint=endpoints.token,
        jwks_uri=endpoints.jwks,
        backchannel_authentication_endpoint=endpoints.backchannel,
        backchannel_token_delivery_modes_supported=tuple(
            mode.value for mode in DeliveryMode if mode in delivery_modes
        ),
        backchannel_authentication_request_signing_alg_values_supported=_names(client_algorithms),
        backchannel_user_code_parameter_supported=False,
        grant_types_supported=(CIBA_GRANT_TYPE,),
        response_types_supported=(),
        scopes_supported=tuple(sorted(scopes)),
        subject_types_supported=("public",),
        id_token_signing_alg_values_supported=_names(id_token_algorithms),
        token_endpoint_auth_methods_supported=(PRIVATE_KEY_JWT,),
        token_endpoint_auth_signing_alg_values_supported=_names(client_algorithms),
        acr_values_supported=acr_values,
        authorization_details_types_supported=authorization_details_types,
    )


def _names(algorithms: frozenset[SignatureAlgorithm]) -> tuple[str, ...]:
    return tuple(alg.value for alg in ALGORITHMS_BY_PREFERENCE if alg in algorithms)
