"""Locked factors are unlocked by the operator: all failed attempts of a user are forgotten."""

from ciba_service.ports import AttemptStore, Telemetry
from ciba_service.protocol.security_events.kinds import FactorsUnlocked
from ciba_service.sca.phones.devices import user_tag

__all__ = ["Unlocking"]


class Unlocking:
    """Unlocks users."""

    def __init__(self, *, attempts: AttemptStore, telemetry: Telemetry) -> None:
        self._attempts = attempts
        self._telemetry = telemetry

    async def unlock(self, subject: str) -> None:
        """Give a user all attempts back."""
        await self._attempts.unlock(user_tag(subject))
        self._telemetry.event("user_unlocked", user=user_tag(subject))
        self._telemetry.security_event(FactorsUnlocked(user=user_tag(subject)))
