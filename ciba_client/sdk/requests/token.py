"""The token request of a poll (CIBA 10.1): the one place where its form and headers are made."""

from typing import Final

from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.dpop.key import DpopKey
from ciba_client.sdk.provider.answers import AuthReqId
from ciba_client.sdk.provider.connection import FormRequest
from ciba_client.sdk.provider.metadata import ProviderMetadata
from ciba_client.sdk.requests.client_authentication import client_authentication

__all__ = ["token_request"]

_GRANT_TYPE: Final = "urn:openid:params:grant-type:ciba"


def token_request(
    auth_req_id: AuthReqId,
    *,
    configuration: ClientConfiguration,
    metadata: ProviderMetadata,
    dpop_key: DpopKey | None,
    nonce: str | None,
    now: float,
) -> FormRequest:
    """Build one authenticated poll; ``now`` is in seconds since the epoch."""
    url = metadata.token_endpoint
    headers = {}
    if configuration.polling_wait:
        headers["Prefer"] = f"wait={configuration.polling_wait}"  # RFC 7240 4.3
    if dpop_key is not None:
        headers["DPoP"] = dpop_key.proof(method="POST", url=url, now=now, nonce=nonce)
    return FormRequest(
        url=url,
        parameters={
            "grant_type": _GRANT_TYPE,
            "auth_req_id": auth_req_id.value,
            **client_authentication(configuration, now=now),
        },
        headers=headers,
    )
