"""The question for what happened to an authentication request, as a stream of events."""

from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.provider.addresses import events_address
from ciba_client.sdk.provider.answers import AuthReqId
from ciba_client.sdk.provider.connection import FormRequest
from ciba_client.sdk.provider.event_stream import EVENT_STREAM
from ciba_client.sdk.provider.metadata import ProviderMetadata
from ciba_client.sdk.requests.client_authentication import client_authentication

__all__ = ["ledger_request"]


def ledger_request(
    auth_req_id: AuthReqId,
    *,
    configuration: ClientConfiguration,
    metadata: ProviderMetadata,
    after: int,
    now: float,
) -> FormRequest:
    """Build one authenticated question for what follows the entry with the number ``after``.

    ``now`` is in seconds since the epoch.
    """
    return FormRequest(
        url=events_address(metadata.backchannel_authentication_endpoint),
        parameters={
            "auth_req_id": auth_req_id.value,
            **client_authentication(configuration, now=now),
        },
        headers={"Accept": EVENT_STREAM, **({"Last-Event-ID": str(after)} if after else {})},
    )
