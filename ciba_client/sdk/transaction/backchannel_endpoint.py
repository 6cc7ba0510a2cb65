"""Starting an authentication: the request, and the provider's acknowledgement (CIBA 7)."""

from dataclasses import dataclass
from typing import Final

from ciba_client.sdk.clock import Clock
from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.dpop.key import DpopKey
from ciba_client.sdk.errors import AuthenticationRequestRefused
from ciba_client.sdk.provider.answers import Acknowledgement, parse_acknowledgement
from ciba_client.sdk.provider.connection import ProviderConnection
from ciba_client.sdk.provider.metadata import ProviderMetadata
from ciba_client.sdk.provider.provider import Provider
from ciba_client.sdk.requests.authentication import AuthenticationRequest
from ciba_client.sdk.requests.backchannel import backchannel_request

__all__ = ["BackchannelEndpoint", "Started"]

_NONCE_DEMANDED: Final = "use_dpop_nonce"


@dataclass(frozen=True, slots=True)
class Started:
    """An acknowledged request; ``at`` is in seconds since the epoch, ``sent_at`` monotonic."""

    acknowledgement: Acknowledgement
    at: float
    sent_at: float


class BackchannelEndpoint:
    """The backchannel authentication endpoint of one provider, for one client.

    ``dpop_key`` is the key that pushed tokens will be bound to: no other request of the client
    could show it (CIBA 5).
    """

    def __init__(
        self,
        configuration: ClientConfiguration,
        *,
        provider: Provider,
        connection: ProviderConnection,
        clock: Clock,
        dpop_key: DpopKey | None,
    ) -> None:
        self._configuration = configuration
        self._provider = provider
        self._connection = connection
        self._clock = clock
        self._dpop_key = dpop_key

    async def start(self, request: AuthenticationRequest) -> Started:
        """Ask once; raises what ``parse_acknowledgement`` raises, or ``ProviderUnavailable``."""
        metadata = await self._provider.metadata()
        await self._provider.keys()  # no one is asked for a token that could not be verified
        nonce = self._connection.nonces.find(metadata.backchannel_authentication_endpoint)
        try:
            return await self._send(request, metadata, nonce)
        except AuthenticationRequestRefused as refused:
            # RFC 9449 8: nothing was started, and the refusal brought the nonce to use.
            fresh = self._connection.nonces.find(metadata.backchannel_authentication_endpoint)
            if self._dpop_key is None or refused.code != _NONCE_DEMANDED or fresh == nonce:
                raise
            return await self._send(request, metadata, fresh)

    async def _send(
        self, request: AuthenticationRequest, metadata: ProviderMetadata, nonce: str | None
    ) -> Started:
        at, sent_at = self._clock.now(), self._clock.monotonic()
        form = backchannel_request(
            request,
            configuration=self._configuration,
            metadata=metadata,
            dpop_key=self._dpop_key,
            nonce=nonce,
            now=at,
        )
        answer = await self._connection.post(form, timeout_seconds=self._configuration.timeout)
        return Started(parse_acknowledgement(answer), at=at, sent_at=sent_at)
