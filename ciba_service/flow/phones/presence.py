"""Phones that are connected to any process, as operators want to know it."""

from collections.abc import Callable
from typing import Final

from ciba_service.ports import Clock, PresenceStore, StoreUnavailable

__all__ = ["ConnectedPhones"]

_REPORT_SECONDS: Final = 10.0
_REMEMBERED_MS: Final = 25_000
"""A process that has not said anything for so long has none."""


class ConnectedPhones:
    """``here`` are those of this process, which is called ``process``."""

    def __init__(
        self, *, store: PresenceStore, process: str, here: Callable[[], int], clock: Clock
    ) -> None:
        self._store = store
        self._process = process
        self._here = here
        self._clock = clock

    @property
    def here(self) -> int:
        """Those of this process."""
        return self._here()

    async def everywhere(self) -> int:
        """Those of all processes, with what the others said last; without the store our own."""
        now, here = self._clock.now_ms(), self.here
        try:
            return await self._store.report(
                self._process, here, now=now, until=now + _REMEMBERED_MS
            )
        except StoreUnavailable:
            return here

    async def run(self) -> None:
        """Say so again and again, until cancelled."""
        while True:
            await self.everywhere()
            await self._clock.sleep(_REPORT_SECONDS)
