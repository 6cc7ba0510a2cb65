"""A user's lasting accesses in Redis: a sorted set by their end, so that a forgotten one heals."""

from typing import Final

from ciba_service.sca.phones.accesses import MAXIMUM_ACCESSES
from ciba_service.sca.phones.devices import UserTag
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import accesses_key
from ciba_service.stores.operations import OPERATION_MEMORY_MS, Operations

__all__ = ["RedisAccesses"]

# How many may be ended for a new one: it gets the better of an overfull set little by little.
_BATCH: Final = 5

_RESERVE: Final = Script.load("reserve_access", durable=True)


class RedisAccesses:
    """``ports.AccessStore`` on Redis; ``cap`` is how many a user may have."""

    __slots__ = ("_cap", "_operations")

    def __init__(self, operations: Operations, *, cap: int = MAXIMUM_ACCESSES) -> None:
        self._operations = operations
        self._cap = cap

    async def reserve(
        self, tag: UserTag, transaction_id: str, *, now: int, until: int
    ) -> tuple[str, ...]:
        """Take a place under the transaction's id, or put its end off."""
        crowded = await self._operations.evaluate(
            _RESERVE, [accesses_key(tag)], [transaction_id, now, until, self._cap, _BATCH]
        )
        return tuple(name.decode() for name in crowded)

    async def names(self, tag: UserTag, *, now: int) -> list[str]:
        """Whatever may last, the most recently used first."""
        members = await self._operations.call(
            "ZRANGE", accesses_key(tag), "+inf", f"({now}", "BYSCORE", "REV", "LIMIT", 0, self._cap
        )
        return [member.decode() for member in members]

    async def has(self, tag: UserTag, transaction_id: str, *, now: int) -> bool:
        """Whether it has a place."""
        until = await self._operations.call("ZSCORE", accesses_key(tag), transaction_id)
        return until is not None and float(until) > now

    async def fade(self, tag: UserTag, transaction_id: str, *, now: int) -> None:
        """Let the place go in half an hour."""
        await self._shorten(tag, transaction_id, until=now + OPERATION_MEMORY_MS)

    async def remove(self, tag: UserTag, transaction_id: str, *, now: int) -> None:
        """Let the place go."""
        await self._shorten(tag, transaction_id, until=now)

    async def _shorten(self, tag: UserTag, transaction_id: str, *, until: int) -> None:
        await self._operations.call("ZADD", accesses_key(tag), "XX", "LT", until, transaction_id)
