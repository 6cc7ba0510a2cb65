"""The request that takes an authentication request back."""

from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.provider.addresses import cancel_address
from ciba_client.sdk.provider.answers import AuthReqId
from ciba_client.sdk.provider.connection import FormRequest
from ciba_client.sdk.provider.metadata import ProviderMetadata
from ciba_client.sdk.requests.client_authentication import client_authentication

__all__ = ["cancel_request"]


def cancel_request(
    auth_req_id: AuthReqId,
    *,
    configuration: ClientConfiguration,
    metadata: ProviderMetadata,
    now: float,
) -> FormRequest:
    """Build one authenticated cancellation; ``now`` is in seconds since the epoch."""
    return FormRequest(
        url=cancel_address(metadata.backchannel_authentication_endpoint),
        parameters={
            "auth_req_id": auth_req_id.value,
            **client_authentication(configuration, now=now),
        },
    )
