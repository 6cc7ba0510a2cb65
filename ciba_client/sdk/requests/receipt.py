"""The request for the SCA receipt of an approval."""

from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.provider.addresses import receipt_address
from ciba_client.sdk.provider.answers import AuthReqId
from ciba_client.sdk.provider.connection import FormRequest
from ciba_client.sdk.provider.metadata import ProviderMetadata
from ciba_client.sdk.requests.client_authentication import client_authentication

__all__ = ["receipt_request"]


def receipt_request(
    auth_req_id: AuthReqId,
    *,
    configuration: ClientConfiguration,
    metadata: ProviderMetadata,
    now: float,
) -> FormRequest:
    """Build one authenticated question; ``now`` is in seconds since the epoch."""
    return FormRequest(
        url=receipt_address(metadata.backchannel_authentication_endpoint),
        parameters={
            "auth_req_id": auth_req_id.value,
            **client_authentication(configuration, now=now),
        },
    )
