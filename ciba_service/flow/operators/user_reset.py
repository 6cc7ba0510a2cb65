"""A user who lost every phone, or forgot the PIN, begins anew: the operator's act (PSD2 RTS 24)."""

from ciba_service.flow.operators.unlocking import Unlocking
from ciba_service.flow.phones.activation import Activations, IssuedCode
from ciba_service.flow.phones.device_approval import DeviceApproval
from ciba_service.flow.phones.device_revocation import DeviceRevocation
from ciba_service.ports import DeviceStore
from ciba_service.sca.phones.devices import user_tag

__all__ = ["UserReset"]


class UserReset:
    """Takes every phone away and makes a code for a first one."""

    def __init__(
        self,
        *,
        devices: DeviceStore,
        revocation: DeviceRevocation,
        approval: DeviceApproval,
        unlocking: Unlocking,
        activations: Activations,
    ) -> None:
        self._devices = devices
        self._revocation = revocation
        self._approval = approval
        self._unlocking = unlocking
        self._activations = activations

    async def reset(self, subject: str) -> IssuedCode:
        """Revoke all phones, then forget failed attempts; the code always has a second secret.

        Done again after a crash, it goes on where it was.

        Raises:
            HasPhone: when a phone was enrolled in the meantime.
        """
        for device in await self._devices.list(user_tag(subject)):
            await self._revocation.revoke(device.device_id)
        await self._approval.reject_all(user_tag(subject))
        # Only now: nobody who holds one of the phones gets new guesses.
        await self._unlocking.unlock(subject)
        return await self._activations.issue(subject, further=False, with_second_secret=True)
