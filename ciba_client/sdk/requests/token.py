"""The token request of a poll (CIBA 10.1): the one place where its form and headers are made."""

from typing import Final

from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.provider.answers import AuthReqId
from ciba_client.sdk.provider.connection import FormRequest
from ciba_client.sdk.provider.metadata import ProviderMetadata
from ciba_client.sdk.requests.client_assertion import client_authentication

__all__ = ["token_request"]

_GRANT_TYPE: Final = "urn:openid:params:grant-type:ciba"


def token_request(
    auth_req_id: AuthReqId,
    *,
    configuration: ClientConfiguration,
    metadata: ProviderMetadata,
    now: float,
) -> FormRequest:
    """Build one authenticated poll; ``now`` is in seconds since the epoch."""
    return FormRequest(
        url=metadata.token_endpoint,
        parameters={
            "grant_type": _GRANT_TYPE,
            "auth_req_id": auth_req_id.value,
            **client_authentication(configuration, now=now),
        },
    )
