"""A phone asks for a one-time name of its user, to be shown to a client (FAPI-CIBA 7.2, 7.3)."""

from ciba_service.flow.account_gate import AccountGate
from ciba_service.ports import Clock, HandleReservation, LoginHandleStore, Randomness, Telemetry
from ciba_service.sca.messages import HandleMade, HandleRefusal, HandleRefused
from ciba_service.sca.phones.devices import Device, DeviceRevoked
from ciba_service.sca.phones.login_handles import HANDLE_LIFETIME_MS, new_login_handle

__all__ = ["LoginHandles"]


class LoginHandles:
    """Makes handles for phones; the service keeps no more of one than its keyed hash."""

    def __init__(
        self,
        *,
        handles: LoginHandleStore,
        gate: AccountGate,
        random: Randomness,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._handles = handles
        self._gate = gate
        self._random = random
        self._clock = clock
        self._telemetry = telemetry

    async def make(self, device: Device) -> HandleMade | HandleRefused:
        """One handle for the user of ``device``: a new one each time.

        What is reserved for a user who may not be asked is told to nobody, and fades.

        Raises:
            DeviceRevoked: when the phone is not enrolled any more.
            StoreUnavailable: when the store cannot be reached.
        """
        now = self._clock.now_ms()
        handle = new_login_handle(self._random)
        reservation = await self._handles.reserve(
            handle, device, now=now, until=now + HANDLE_LIFETIME_MS
        )
        if reservation is HandleReservation.NO_DEVICE:
            raise DeviceRevoked
        is_locked = reservation is HandleReservation.LOCKED
        if not await self._gate.lets_identify(device.subject, is_locked=is_locked):
            reason = HandleRefusal.LOCKED if is_locked else HandleRefusal.DISABLED
            self._telemetry.event(
                "login_handle_refused", device_id=device.device_id, reason=reason.value
            )
            return HandleRefused(reason)
        self._telemetry.event("login_handle_made", device_id=device.device_id)
        return HandleMade(handle=handle, expires_in=HANDLE_LIFETIME_MS // 1000)
