"""A user looks at the passkeys of this phone, prepares another one, or removes one.

To remove one needs no PIN: it only takes away from the phone in hand.
"""

from ciba_service.flow.phones.passkey_registration import PasskeyRegistration
from ciba_service.ports import Clock, DeviceStore, Telemetry
from ciba_service.ports.phones.notices import NoticeKind
from ciba_service.protocol.security_events.kinds import PasskeyRevoked
from ciba_service.sca.factors.passkeys import MAXIMUM_PASSKEYS, RelyingParty, creation_options
from ciba_service.sca.messages import (
    PasskeyOffered,
    PasskeyRefusal,
    PasskeyRefused,
    PasskeyRemoved,
    PasskeysListed,
    PasskeyUnknown,
    RegisteredPasskey,
    ServiceMessage,
)
from ciba_service.sca.phones.devices import Device, DeviceRevoked

__all__ = ["OwnPasskeys"]


class OwnPasskeys:
    """Answers a phone about its passkeys; they count on this phone alone."""

    def __init__(
        self,
        *,
        party: RelyingParty | None,
        devices: DeviceStore,
        registration: PasskeyRegistration,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._party = party
        self._devices = devices
        self._registration = registration
        self._clock = clock
        self._telemetry = telemetry

    async def offer(self, device: Device) -> PasskeyOffered | PasskeyRefused:
        """What to make another one with.

        Raises:
            DeviceRevoked: when the phone may not ask any more.
            StoreUnavailable: when the store cannot be reached.
        """
        found = await self._found(device)
        if self._party is None:
            return PasskeyRefused(PasskeyRefusal.DISABLED)
        if len(found.passkeys) >= MAXIMUM_PASSKEYS:
            return PasskeyRefused(PasskeyRefusal.TOO_MANY)
        challenges = self._registration.challenges(device.device_id)
        options = creation_options(
            self._party,
            challenge=challenges.new_nonce(self._clock.now_ms()),
            subject=found.subject,
            user_handle=found.tag,
            held=found.passkeys,
        )
        return PasskeyOffered(options)

    async def list_all(self, device: Device) -> list[ServiceMessage]:
        """Each passkey of this phone, and then the list of them; raises as ``offer``."""
        held = (await self._found(device)).passkeys
        listed = [
            RegisteredPasskey(
                passkey_id=each.passkey_id,
                registered_at=each.registered_at // 1000,
                synced=each.synced,
                backed_up=each.backed_up,
            )
            for each in held
        ]
        rp_id = None if self._party is None else self._party.rp_id
        return [*listed, PasskeysListed(tuple(each.passkey_id for each in held), rp_id)]

    async def remove(self, device: Device, passkey_id: str) -> PasskeyRemoved | PasskeyUnknown:
        """Forget one; raises as ``offer``."""
        now = self._clock.now_ms()
        if not await self._devices.remove_passkey(device.device_id, passkey_id, now=now):
            return PasskeyUnknown(passkey_id)
        await self._registration.tell(NoticeKind.PASSKEY_REMOVED, device, passkey_id)
        self._telemetry.security_event(PasskeyRevoked(device_id=device.device_id, user=device.tag))
        return PasskeyRemoved(device.device_id, device.name, passkey_id)

    async def _found(self, device: Device) -> Device:
        found = await self._devices.find(device.device_id)
        if found is None:
            raise DeviceRevoked
        return found
