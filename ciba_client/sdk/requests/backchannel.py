"""The request to the backchannel authentication endpoint, signed or as a plain form (CIBA 7.1)."""

from typing import Final

from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.dpop.key import DpopKey
from ciba_client.sdk.provider.connection import FormRequest
from ciba_client.sdk.provider.metadata import ProviderMetadata
from ciba_client.sdk.requests.authentication import AuthenticationRequest
from ciba_client.sdk.requests.client_authentication import client_authentication
from ciba_client.sdk.requests.fresh_claims import fresh_claims

__all__ = ["backchannel_request"]

_REQUEST_OBJECT_TYP: Final = "oauth-authz-req+jwt"  # RFC 9101 10.8


def backchannel_request(
    request: AuthenticationRequest,
    *,
    configuration: ClientConfiguration,
    metadata: ProviderMetadata,
    dpop_key: DpopKey | None = None,
    nonce: str | None = None,
    now: float,
) -> FormRequest:
    """Build one authenticated request; ``now`` is in seconds since the epoch.

    ``dpop_key`` is what pushed tokens will be bound to, ``nonce`` what its proof must name.
    """
    url = metadata.backchannel_authentication_endpoint
    if configuration.sign_requests:
        # CIBA 7.1.1: beside ``request`` only the parameters that authenticate the client.
        parameters = {"request": _request_object(request, configuration, now)}
    else:
        parameters = request.form()
    headers = {}
    if dpop_key is not None:
        headers["DPoP"] = dpop_key.proof(method="POST", url=url, now=now, nonce=nonce)
    return FormRequest(
        url=url,
        parameters={**parameters, **client_authentication(configuration, now=now)},
        headers=headers,
    )


def _request_object(
    request: AuthenticationRequest, configuration: ClientConfiguration, now: float
) -> str:
    proof = fresh_claims(client_id=configuration.client_id, audience=configuration.issuer, now=now)
    return configuration.key.sign({**request.claims(), **proof}, typ=_REQUEST_OBJECT_TYP)
