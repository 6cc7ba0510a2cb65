"""What discovery says about the provider (OpenID Connect Discovery 3, CIBA 4, RFC 8705 5)."""

from dataclasses import dataclass

import msgspec

from ciba_client.sdk.errors import InvalidProviderMetadata
from ciba_client.sdk.jose.algorithms import SignatureAlgorithm
from ciba_client.sdk.provider.addresses import parse_endpoint

__all__ = ["ProviderMetadata", "parse_provider_metadata"]


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """The part of the provider's metadata this client uses, verified to be usable."""

    issuer: str
    token_endpoint: str
    backchannel_authentication_endpoint: str
    jwks_uri: str
    id_token_signing_algorithms: frozenset[SignatureAlgorithm]


class _Aliases(msgspec.Struct):
    token_endpoint: str | None = None
    backchannel_authentication_endpoint: str | None = None


class _Document(msgspec.Struct):
    issuer: str
    token_endpoint: str
    backchannel_authentication_endpoint: str
    jwks_uri: str
    mtls_endpoint_aliases: _Aliases | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] = tuple(SignatureAlgorithm)


def parse_provider_metadata(
    body: bytes, *, issuer: str, mutual_tls: bool = False
) -> ProviderMetadata:
    """Read a discovery document for exactly this issuer.

    With ``mutual_tls`` its ``mtls_endpoint_aliases`` take the place of the endpoints they name.

    Raises:
        InvalidProviderMetadata: not JSON, another issuer, or an endpoint missing or not https.
    """
    try:
        document = msgspec.json.decode(body, type=_Document)
    except (ValueError, RecursionError) as error:
        raise InvalidProviderMetadata(
            "the provider's metadata is malformed or lacks an endpoint"
        ) from error
    # OpenID Connect Discovery 4.3: the same string, not merely an equivalent URL.
    if document.issuer != issuer:
        raise InvalidProviderMetadata("the provider's metadata is of another issuer")
    addresses = {
        "token_endpoint": document.token_endpoint,
        "backchannel_authentication_endpoint": document.backchannel_authentication_endpoint,
        "jwks_uri": document.jwks_uri,
    }
    if mutual_tls and document.mtls_endpoint_aliases is not None:
        addresses |= _named(document.mtls_endpoint_aliases)
    endpoints = {
        name: parse_endpoint(name, address, issuer=issuer) for name, address in addresses.items()
    }
    supported = document.id_token_signing_alg_values_supported
    return ProviderMetadata(
        issuer=issuer,
        id_token_signing_algorithms=frozenset(
            algorithm for algorithm in SignatureAlgorithm if algorithm in supported
        ),
        **endpoints,
    )


def _named(aliases: _Aliases) -> dict[str, str]:
    return {name: alias for name, alias in msgspec.structs.asdict(aliases).items() if alias}
