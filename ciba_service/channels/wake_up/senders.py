"""Which way a phone is woken: by the address it registered, else by the operator's webhook."""

from dataclasses import dataclass

from ciba_service.channels.wake_up.web_push import WebPush
from ciba_service.channels.wake_up.webhook import Webhook
from ciba_service.ports import OutboundFailure, OutboundResponse
from ciba_service.ports.phones.wake_up import SleepingPhone, WakeUpCall

__all__ = ["WakeUpSenders"]


@dataclass(frozen=True, slots=True)
class WakeUpSenders:
    """``ports.wake_up.WakeUp``."""

    web_push: WebPush | None
    webhook: Webhook | None

    def reaches(self, phone: SleepingPhone) -> bool:
        """Whether there is a way to this phone."""
        return self.webhook is not None or self.uses_address(phone)

    def uses_address(self, phone: SleepingPhone) -> bool:
        """Whether it is pushed: its address may be one that phones may not name any more."""
        return (
            self.web_push is not None
            and phone.address is not None
            and self.web_push.pushes_to(phone.address)
        )

    async def wake(
        self, phone: SleepingPhone, call: WakeUpCall
    ) -> OutboundResponse | OutboundFailure:
        """Make one attempt; raises ``SignerUnavailable``."""
        address = phone.address if self.uses_address(phone) else None
        if self.web_push is not None and address is not None:
            return await self.web_push.push(phone.device_id, address, call)
        if self.webhook is None:
            raise AssertionError("only phones that can be reached are woken")
        return await self.webhook.post(phone.device_id, call)
