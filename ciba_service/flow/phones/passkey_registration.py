"""A passkey is registered for a phone, once its order has proven the PIN (WebAuthn 7.1)."""

import hmac

from ciba_service.flow.phones.phone_notices import PhoneNotices
from ciba_service.ports import Clock, DeviceStore, Randomness, ReplayKind, ReplayStore, Telemetry
from ciba_service.ports.phones.notices import NoticeKind
from ciba_service.protocol.security_events.kinds import PasskeyRegistered
from ciba_service.sca.factors.passkey_proofs import InvalidPasskeyError, verify_registration
from ciba_service.sca.factors.passkeys import (
    Passkey,
    PasskeyKnown,
    RelyingParty,
    TooManyPasskeys,
)
from ciba_service.sca.messages import OrderRefusal
from ciba_service.sca.phones.devices import Device
from ciba_service.sca.phones.nonces import NONCE_LIFETIME_MS, Nonces
from ciba_service.sca.phones.orders import SignedOrder

__all__ = ["PasskeyRegistration"]


class PasskeyRegistration:
    """Makes challenges for new passkeys, and registers what answers one: each challenge once."""

    def __init__(
        self,
        *,
        party: RelyingParty | None,
        challenge_key: bytes,
        devices: DeviceStore,
        replays: ReplayStore,
        notices: PhoneNotices,
        random: Randomness,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._party = party
        self._challenge_key = challenge_key
        self._devices = devices
        self._replays = replays
        self._notices = notices
        self._random = random
        self._clock = clock
        self._telemetry = telemetry

    def challenges(self, device_id: str) -> Nonces:
        """Those of one phone: none of another counts."""
        key = hmac.digest(self._challenge_key, device_id.encode(), "sha256")
        return Nonces(key, self._random)

    async def register(self, order: SignedOrder) -> OrderRefusal | None:
        """Register the passkey of an order whose PIN and nonce are right; why not, if not.

        Raises:
            DeviceRevoked: when the phone may not order any more.
            StoreUnavailable: when the store cannot be reached.
        """
        passkey = self._verified(order)
        if passkey is None:
            return OrderRefusal.INVALID_PASSKEY
        # A nonce lives no longer from now on, whenever it was made.
        is_first = await self._replays.reserve(
            ReplayKind.PASSKEY_CHALLENGE,
            order.device.device_id,
            order.claims.nonce,
            operation=order.operation,
            until=self._clock.now_ms() + NONCE_LIFETIME_MS,
        )
        if not is_first:
            return OrderRefusal.STALE
        try:
            await self._devices.add_passkey(order.device, passkey)
        except TooManyPasskeys:
            return OrderRefusal.TOO_MANY_PASSKEYS
        except PasskeyKnown:
            return OrderRefusal.INVALID_PASSKEY
        await self.tell(NoticeKind.PASSKEY_ADDED, order.device, passkey.passkey_id)
        self._telemetry.security_event(
            PasskeyRegistered(device_id=order.device.device_id, user=order.device.tag)
        )
        return None

    async def has_registered(self, operation: str, device: Device) -> bool:
        """Whether this order has registered a passkey; then the other phones are told again."""
        registered = next((each for each in device.passkeys if each.order == operation), None)
        if registered is None:
            return False
        await self.tell(NoticeKind.PASSKEY_ADDED, device, registered.passkey_id)
        return True

    async def tell(self, kind: NoticeKind, device: Device, passkey_id: str) -> None:
        """The other phones of the user learn of it."""
        await self._notices.tell(kind, device.tag, device.device_id, device.name, passkey_id)
        self._telemetry.event(kind.value, device_id=device.device_id)

    def _verified(self, order: SignedOrder) -> Passkey | None:
        if self._party is None or order.passkey is None:
            return None
        try:
            return verify_registration(
                order.passkey,
                challenge=order.claims.nonce,
                party=self._party,
                now=self._clock.now_ms(),
                order=order.operation,
            )
        except InvalidPasskeyError as error:
            self._telemetry.event(
                "passkey_invalid", device_id=order.device.device_id, detail=str(error)
            )
            return None
