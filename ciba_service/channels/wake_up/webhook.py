"""A webhook: an operator's own service wakes the phone, with FCM or APNs behind it."""

import msgspec

from ciba_service.ports import Outbound, OutboundFailure, OutboundRequest, OutboundResponse
from ciba_service.ports.phones.wake_up import WakeUpCall

__all__ = ["Webhook"]


class _Call(msgspec.Struct, frozen=True):
    """The body: whom to wake, for which prompt, and until when (seconds)."""

    device_id: str
    transaction_id: str
    expires_at: int


class Webhook:
    """Posts to one address under a bearer token; ``timeout`` is in seconds."""

    def __init__(self, *, outbound: Outbound, url: str, token: str, timeout: float) -> None:
        self._outbound = outbound
        self._url = url
        self._token = token
        self._timeout = timeout

    async def post(self, device_id: str, call: WakeUpCall) -> OutboundResponse | OutboundFailure:
        """Post once."""
        body = _Call(device_id, call.transaction_id, call.expires_at // 1000)
        request = OutboundRequest.notify(
            self._url,
            authorization=f"Bearer {self._token}",
            body=msgspec.json.encode(body),
            deadline=self._timeout,
        )
        return await self._outbound.send(request)
