"""Whether Redis can be used, and what time it has."""

from ciba_service.stores.keys import health_key
from ciba_service.stores.operations import Operations

__all__ = ["RedisHealth"]


class RedisHealth:
    """``ports.StoreHealth`` on Redis."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def server_time_ms(self) -> int:
        """The server's clock in milliseconds; in a cluster any primary's."""
        seconds, microseconds = await self._operations.call("TIME")
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def confirm(self) -> None:
        """Ask the replicas; in a cluster those of one primary."""
        await self._operations.confirm(health_key())
