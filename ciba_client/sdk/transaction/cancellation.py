"""Taking an authentication request back, whoever started it."""

from ciba_client.sdk.clock import Clock
from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.provider.answers import AuthReqId, parse_cancellation
from ciba_client.sdk.provider.connection import ProviderConnection
from ciba_client.sdk.provider.provider import Provider
from ciba_client.sdk.requests.cancellation import cancel_request

__all__ = ["CancelEndpoint"]


class CancelEndpoint:
    """The endpoint of one provider that cancels requests, for one client."""

    def __init__(
        self,
        configuration: ClientConfiguration,
        *,
        provider: Provider,
        connection: ProviderConnection,
        clock: Clock,
    ) -> None:
        self._configuration = configuration
        self._provider = provider
        self._connection = connection
        self._clock = clock

    async def cancel(self, auth_req_id: AuthReqId) -> bool:
        """Ask once; raises what ``parse_cancellation`` raises, or ``ProviderUnavailable``."""
        request = cancel_request(
            auth_req_id,
            configuration=self._configuration,
            metadata=await self._provider.metadata(),
            now=self._clock.now(),
        )
        answer = await self._connection.post(request, timeout_seconds=self._configuration.timeout)
        return parse_cancellation(answer)
