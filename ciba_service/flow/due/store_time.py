"""Whether this process is ahead of the store: by its clock others' deadlines would be over."""

from typing import Final

from ciba_service.ports import Clock, StoreHealth

__all__ = ["StoreTime"]

_TOLERANCE_MS: Final = 2_000  # by which the clocks of hosts may differ


class StoreTime:
    """The store's clock beside that of this process."""

    def __init__(self, store: StoreHealth, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def is_passed(self) -> bool:
        """Whether the store's time is passed by more than two seconds, however slow it answers.

        Raises:
            StoreUnavailable: when it does not answer.
        """
        return await self.ahead_ms() > 0

    async def ahead_ms(self) -> int:
        """By how many milliseconds the store's time is passed, and 0 up to two seconds.

        Raises:
            StoreUnavailable: when it does not answer.
        """
        now = self._clock.now_ms()
        ahead = now - await self._store.server_time_ms()
        return ahead if ahead > _TOLERANCE_MS else 0
