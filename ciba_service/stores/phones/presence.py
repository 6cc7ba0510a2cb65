"""How many phones each process has, in one hash; who no longer says so is forgotten."""

from typing import Final

from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import presence_key
from ciba_service.stores.operations import Operations

__all__ = ["RedisPresence"]

_REPORT: Final = Script.load("report_presence")


class RedisPresence:
    """``ports.PresenceStore`` on Redis."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def report(self, process: str, phones: int, *, now: int, until: int) -> int:
        """One round trip; done again, it is done once."""
        phones_of_all = await self._operations.evaluate(
            _REPORT, [presence_key()], [process, phones, until, now]
        )
        return int(phones_of_all)
