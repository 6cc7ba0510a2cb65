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
        now = self._clock.now_ms()
        return now - await self._store.server_time_ms() > _TOLERANCE_MS
