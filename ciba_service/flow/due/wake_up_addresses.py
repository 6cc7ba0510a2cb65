"""A phone says where it can be woken, or that it wants to be woken no more."""

import asyncio

from ciba_service.ports import DeviceStore, KeyRing, Telemetry
from ciba_service.ports.phones.wake_up import WakeUpStore
from ciba_service.sca.messages import (
    SetWakeUp,
    WakeUpDropped,
    WakeUpOffered,
    WakeUpRefusal,
    WakeUpRefused,
    WakeUpSet,
)
from ciba_service.sca.phones.devices import Device, DeviceRevoked
from ciba_service.sca.phones.wake_up import PushPolicy, UnfitAddress, parse_push_address

__all__ = ["WakeUpAddresses"]


class WakeUpAddresses:
    """Keeps one address a phone; without a ``policy`` the service sends no Web Push."""

    def __init__(
        self,
        *,
        policy: PushPolicy | None,
        store: WakeUpStore,
        devices: DeviceStore,
        keys: KeyRing,
        telemetry: Telemetry,
    ) -> None:
        self._policy = policy
        self._store = store
        self._devices = devices
        self._keys = keys
        self._telemetry = telemetry

    async def offer(self, device: Device) -> WakeUpOffered:
        """What the phone needs to subscribe at its push service.

        Raises:
            DeviceRevoked: when the phone is not enrolled any more.
            StoreUnavailable: when the store cannot be reached.
        """
        active, has_one = await asyncio.gather(
            self._devices.is_active(device.device_id), self._store.has(device.device_id)
        )
        if not active:
            raise DeviceRevoked
        key = None if self._policy is None else self._keys.wake_up_key
        return WakeUpOffered(set=has_one, web_push_key=key)

    async def put(self, device: Device, message: SetWakeUp) -> WakeUpSet | WakeUpRefused:
        """Keep the address if it is one that the service pushes to; raises as ``offer``."""
        if self._policy is None:
            return WakeUpRefused(WakeUpRefusal.NOT_OFFERED)
        try:
            address = parse_push_address(message, self._policy)
        except UnfitAddress as error:
            self._telemetry.event(
                "wake_up_refused", device_id=device.device_id, reason=error.reason.value
            )
            return WakeUpRefused(error.reason)
        await self._store.put(device.device_id, address)
        self._telemetry.event("wake_up_set", device_id=device.device_id)
        return WakeUpSet()

    async def drop(self, device: Device) -> WakeUpDropped:
        """Forget the address, if there is one; raises as ``offer``."""
        if not await self._devices.is_active(device.device_id):
            raise DeviceRevoked
        await self._store.drop(device.device_id)
        self._telemetry.event("wake_up_dropped", device_id=device.device_id)
        return WakeUpDropped()
