"""Attempts to name users' codes in Redis."""

from typing import Final

from ciba_service.protocol.request.user_code import ATTEMPT_LIMIT, ATTEMPT_WINDOW
from ciba_service.sca.phones.devices import UserTag
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import code_attempts_key
from ciba_service.stores.operations import Operations

__all__ = ["RedisUserCodeAttempts"]

_RESERVE: Final = Script.load("count_in_window", durable=True)


class RedisUserCodeAttempts:
    """``ports.UserCodeAttemptStore`` on Redis: one sorted set for each client and user."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def reserve(self, tag: UserTag, client_id: str, *, operation: str, now: int) -> bool:
        """Count before evaluating; a resent operation counts once."""
        reserved = await self._operations.evaluate(
            _RESERVE,
            [code_attempts_key(tag, client_id)],
            [operation, ATTEMPT_LIMIT, ATTEMPT_WINDOW * 1000, now],
        )
        return bool(reserved)

    async def take_back(self, tag: UserTag, client_id: str, *, operation: str) -> None:
        """Remove this one."""
        await self._operations.call("ZREM", code_attempts_key(tag, client_id), operation)

    async def succeeded(self, tag: UserTag, client_id: str, *, now: int) -> None:
        """Remove those up to ``now``, so that a late retry forgives nothing that came after."""
        key = code_attempts_key(tag, client_id)
        await self._operations.call("ZREMRANGEBYSCORE", key, "-inf", now)
