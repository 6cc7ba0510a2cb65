"""Failed attempts and spent one-time codes in Redis."""

from typing import Final

from ciba_service.sca.attempts import ATTEMPT_LIMIT, Attempt, LockedError
from ciba_service.sca.devices import UserTag, user_tag_of
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import attempt_key, attempts_key, otp_key, reset_key, spent_key
from ciba_service.stores.operations import OPERATION_MEMORY_MS, Operations

__all__ = ["RedisAttempts"]

_RESERVE: Final = Script.load("reserve_attempt")
_RESET: Final = Script.load("reset_attempts")
_SPEND: Final = Script.load("spend_step")
_STEP_MEMORY_MS: Final = 600_000


class RedisAttempts:
    """``ports.AttemptStore`` on Redis."""

    __slots__ = ("_operations",)

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def reserve(self, tag: UserTag, *, operation: str) -> Attempt:
        """Count before evaluating; raises ``LockedError``."""
        number = await self._operations.evaluate(
            _RESERVE,
            [attempts_key(tag), attempt_key(tag, operation)],
            [ATTEMPT_LIMIT, OPERATION_MEMORY_MS],
        )
        if number == 0:
            raise LockedError
        return Attempt(number)

    async def reset(self, tag: UserTag, *, operation: str) -> None:
        """Start anew, once an operation."""
        await self._operations.evaluate(
            _RESET, [attempts_key(tag), reset_key(tag, operation)], [OPERATION_MEMORY_MS]
        )

    async def spend_step(self, device_id: str, step: int, *, operation: str) -> bool:
        """Spend a time step of a phone's OTP; it and all before it are then worth nothing."""
        tag = user_tag_of(device_id)
        if tag is None:
            return False
        spent = await self._operations.evaluate(
            _SPEND, [otp_key(tag, device_id), spent_key(tag, operation)], [step, _STEP_MEMORY_MS]
        )
        return bool(spent)

    async def used(self, tag: UserTag) -> int:
        """Attempts used since the last success."""
        return int(await self._operations.call("GET", attempts_key(tag)) or 0)
