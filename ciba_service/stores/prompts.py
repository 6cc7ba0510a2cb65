"""A user's open prompts in Redis: a sorted set by expiry, so that a forgotten one heals."""

from typing import Final

from ciba_service.ports import PromptReservation
from ciba_service.sca.attempts import ATTEMPT_LIMIT
from ciba_service.sca.devices import UserTag
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import attempts_key, devices_key, prompts_key
from ciba_service.stores.operations import Operations

__all__ = ["RedisPrompts"]

_RESERVE: Final = Script.load("reserve_prompt")


class RedisPrompts:
    """``ports.PromptStore`` on Redis; ``cap`` is how many prompts of a user may be open at once."""

    __slots__ = ("_cap", "_operations")

    def __init__(self, operations: Operations, *, cap: int) -> None:
        self._operations = operations
        self._cap = cap

    async def reserve(
        self, tag: UserTag, transaction_id: str, *, now: int, until: int
    ) -> PromptReservation:
        """Take a slot under the transaction's id, once."""
        reply = await self._operations.evaluate(
            _RESERVE,
            [prompts_key(tag), devices_key(tag), attempts_key(tag)],
            [transaction_id, now, until, self._cap, ATTEMPT_LIMIT],
        )
        return PromptReservation(reply.decode())

    async def release(self, tag: UserTag, transaction_id: str) -> None:
        """Give the slot back."""
        await self._operations.call("ZREM", prompts_key(tag), transaction_id)

    async def open(self, tag: UserTag, *, now: int) -> list[str]:
        """Transactions whose prompt is open, oldest first."""
        members = await self._operations.call(
            "ZRANGE", prompts_key(tag), f"({now}", "+inf", "BYSCORE"
        )
        return [member.decode() for member in members]
