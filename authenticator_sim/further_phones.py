"""The user's word about further phones, over HTTPS: one is approved, turned away, or invited."""

import asyncio

from authenticator_sim.connection.https import HttpsConnection
from authenticator_sim.core.account.orders import Wish, approval_of, invitation
from authenticator_sim.core.device import Device
from authenticator_sim.core.events import Event, PhoneWaiting
from authenticator_sim.core.identity.pin import Pin, unwrap_pin_key
from authenticator_sim.keystore import Keystore
from authenticator_sim.ports import Clock
from ciba_service.sca.messages import DenialReason, RejectDevice

__all__ = ["FurtherPhones"]


class FurtherPhones:
    """Carries out what the user of an approved phone wants."""

    def __init__(
        self, device: Device, *, https: HttpsConnection, clock: Clock, keystore: Keystore
    ) -> None:
        """Put the parts together; a PIN changed by another process is known at once."""
        self._device = device
        self._https = https
        self.clock = clock
        self._keystore = keystore

    def seconds_left(self, waiting: PhoneWaiting) -> int:
        """Whole seconds until a phone waits no more, by the service's clock."""
        return waiting.until - self._device.service_now_ms(self.clock.now_ms()) // 1000

    async def approve(self, code: str, *, pin: Pin) -> tuple[Event, ...]:
        """Approve the phone that shows this code.

        Raises:
            NoSuchNewcomer: None does; nothing was sent.
            PhoneError: The service cannot be asked.
        """
        newcomer = self._device.find_newcomer(code, now_ms=self.clock.now_ms())
        return await self._order(approval_of(newcomer), pin)

    async def invite(self, *, pin: Pin) -> tuple[Event, ...]:
        """Order an activation code for the next phone; raises ``PhoneError``."""
        return await self._order(invitation(), pin)

    async def reject(self, device_id: str, *, reason: DenialReason) -> tuple[Event, ...]:
        """Turn a phone away; raises ``PhoneError``."""
        return await self._https.tell(RejectDevice(device_id, reason))

    async def _order(self, wish: Wish, pin: Pin) -> tuple[Event, ...]:
        wrapped = self._keystore.load().pin_key
        order = self._device.order(
            wish,
            pin_key=await asyncio.to_thread(unwrap_pin_key, wrapped, pin),
            nonce=await self._https.fresh_nonce(),
            now_ms=self.clock.now_ms(),
        )
        return await self._https.give_order(order.message)
