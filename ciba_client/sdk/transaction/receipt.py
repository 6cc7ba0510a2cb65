"""SCA receipts of authentications, whoever started them."""

from ciba_client.sdk.clock import Clock
from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.errors import UnknownReceiptKey
from ciba_client.sdk.jose.sca_receipt import (
    ReceiptExpectations,
    ScaReceipt,
    verify_sca_receipt,
)
from ciba_client.sdk.provider.answers import AuthReqId, parse_receipt
from ciba_client.sdk.provider.connection import ProviderConnection
from ciba_client.sdk.provider.provider import Provider
from ciba_client.sdk.requests.receipt import receipt_request

__all__ = ["ReceiptEndpoint"]


class ReceiptEndpoint:
    """The endpoint of one provider that gives receipts, for one client."""

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

    async def receipt(self, auth_req_id: AuthReqId) -> ScaReceipt:
        """Ask once and verify.

        Raises:
            ReceiptRefused: what ``parse_receipt`` raises.
            InvalidScaReceipt: it does not prove what it must.
            ProviderUnavailable, InvalidProviderResponse: no answer, or one that is no receipt.
        """
        configuration = self._configuration
        request = receipt_request(
            auth_req_id,
            configuration=configuration,
            metadata=await self._provider.metadata(),
            now=self._clock.now(),
        )
        answer = await self._connection.post(request, timeout_seconds=configuration.timeout)
        expected = ReceiptExpectations(
            issuer=configuration.issuer,
            client_id=configuration.client_id,
            auth_req_id=auth_req_id.value,
        )
        jwt, keys = parse_receipt(answer), await self._provider.receipt_keys()
        try:
            return verify_sca_receipt(jwt, keys=keys, expected=expected)
        except UnknownReceiptKey:  # the provider may have changed its keys: look once more
            keys = await self._provider.receipt_keys(other_than=keys)
            return verify_sca_receipt(jwt, keys=keys, expected=expected)
