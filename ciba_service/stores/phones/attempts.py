"""Failed attempts and spent one-time codes in Redis."""

from typing import Final

from ciba_service.sca.factors.attempts import Attempt, AttemptLimits, LockedError, PausedError
from ciba_service.sca.factors.passkey_proofs import VerifiedPasskey
from ciba_service.sca.phones.devices import UserTag, user_tag_of
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import (
    attempt_key,
    attempts_key,
    counted_key,
    counts_key,
    devices_key,
    otp_key,
    pause_key,
    spent_key,
)
from ciba_service.stores.operations import OPERATION_MEMORY_MS, Operations

__all__ = ["RedisAttempts"]

_RESERVE: Final = Script.load("reserve_attempt", durable=True)
_SUCCEEDED: Final = Script.load("attempt_succeeded")
_SPEND: Final = Script.load("spend_step", durable=True)
_COUNT: Final = Script.load("spend_count", durable=True)

_PASSKEY: Final = "passkey"
_NO_PASSKEY: Final = ("", -1, 0)


class RedisAttempts:
    """``ports.AttemptStore`` on Redis."""

    __slots__ = ("_limits", "_operations")

    def __init__(self, operations: Operations, *, limits: AttemptLimits) -> None:
        self._operations = operations
        self._limits = limits

    async def reserve(
        self, tag: UserTag, *, operation: str, knowledge: bool, now: int, passkey: bool = False
    ) -> Attempt:
        """Count before evaluating; raises ``LockedError`` or ``PausedError``."""
        reply = await self._operations.evaluate(
            _RESERVE,
            [attempts_key(tag), attempt_key(tag, operation), pause_key(tag)],
            [
                operation,
                self._limits.attempts,
                OPERATION_MEMORY_MS,
                now,
                _PASSKEY if passkey else int(knowledge),
                self._limits.pause,
            ],
        )
        if not reply:
            raise LockedError
        number, at = reply
        if number == 0:
            raise PausedError(at)
        return Attempt(number, at, self._limits.attempts)

    async def succeeded(self, tag: UserTag, *, operation: str) -> None:
        """Take the attempt back, and of those before it what it forgets."""
        await self._operations.evaluate(
            _SUCCEEDED, [attempts_key(tag), attempt_key(tag, operation)], [operation]
        )

    async def unlock(self, tag: UserTag) -> None:
        """Forget all attempts."""
        await self._operations.call_durably("DEL", attempts_key(tag))

    async def spend_step(self, device_id: str, step: int, *, operation: str) -> bool:
        """Spend a time step of a phone's OTP; it and all before it are then worth nothing."""
        tag = user_tag_of(device_id)
        if tag is None:
            return False
        spent = await self._operations.evaluate(
            _SPEND,
            [otp_key(tag, device_id), spent_key(tag, operation)],
            [step, OPERATION_MEMORY_MS],
        )
        return bool(spent)

    async def spend_count(
        self, device_id: str, verified: VerifiedPasskey | None, *, operation: str
    ) -> bool:
        """Spend the sign count of a passkey; it and all below are then worth nothing."""
        tag = user_tag_of(device_id)
        if tag is None:
            return False
        name, count, least = (
            _NO_PASSKEY
            if verified is None
            else (
                verified.passkey.passkey_id,
                verified.sign_count,
                verified.passkey.sign_count,
            )
        )
        spent = await self._operations.evaluate(
            _COUNT,
            [counts_key(tag, device_id), counted_key(tag, operation), devices_key(tag)],
            [name, count, least, OPERATION_MEMORY_MS, device_id],
        )
        return bool(spent)

    async def used(self, tag: UserTag) -> int:
        """How many attempts count at present."""
        return int(await self._operations.call("ZCARD", attempts_key(tag)))
