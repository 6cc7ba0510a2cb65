"""Factors were wrong: the user's phones are told before a lock, and of it (PSD2 RTS art. 4(4))."""

from ciba_service.flow.phones.phone_notices import PhoneNotices
from ciba_service.ports import Telemetry
from ciba_service.ports.phones.notices import NoticeKind
from ciba_service.sca.factors.attempts import Attempt
from ciba_service.sca.phones.devices import Device

__all__ = ["FailedAttempts"]


class FailedAttempts:
    """Says on all phones that one attempt is left, and that none is."""

    def __init__(self, *, notices: PhoneNotices, telemetry: Telemetry) -> None:
        self._notices = notices
        self._telemetry = telemetry

    async def note(self, device: Device, attempt: Attempt, *, operation: str) -> None:
        """Tell where it matters; the same failure noted again is kept once.

        Raises:
            StoreUnavailable: when the store cannot be reached.
        """
        if attempt.left > 1:
            return
        is_last = attempt.left == 1
        await self._notices.warn(
            NoticeKind.LAST_ATTEMPT if is_last else NoticeKind.LOCKED,
            device,
            operation=operation,
            at=attempt.reserved_at,
        )
        self._telemetry.event(
            "last_attempt_left" if is_last else "factors_locked", device_id=device.device_id
        )
