"""What discovery says about the provider (OpenID Connect Discovery 3, CIBA 4)."""

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


class _Document(msgspec.Struct):
    issuer: str
    token_endpoint: str
    backchannel_authentication_endpoint: str
    jwks_uri: str
    id_token_signing_alg_values_supported: tuple[str, ...] = tuple(SignatureAlgorithm)


def parse_provider_metadata(body: bytes, *, issuer: str) -> ProviderMetadata:
    """Read a discovery document for exactly this issuer.

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
    endpoints = {
        name: parse_endpoint(name, getattr(document, name), issuer=issuer)
        for name in ("token_endpoint", "backchannel_authentication_endpoint", "jwks_uri")
    }
    supported = document.id_token_signing_alg_values_supported
    return ProviderMetadata(
        issuer=issuer,
        id_token_signing_algorithms=frozenset(
            algorithm for algorithm in SignatureAlgorithm if algorithm in supported
        ),
        **endpoints,
    )
